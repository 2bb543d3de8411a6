-- The same answer as the function's.
core.register_service("hello", "http", function(applet)
  local path = applet.path
  if applet.qs ~= "" then path = path .. "?" .. applet.qs end
  local body = "Hello from Lua, " .. path .. "\n"
  applet:set_status(200)
  applet:add_header("content-type", "text/plain; charset=utf-8")
  applet:add_header("content-length", tostring(#body))
  applet:start_response()
  applet:send(body)
end)
