-- API keys for Envoy: key -> user, a rate per user in windows of a second, and units per user. The filter's Lua has no SHA-256, so that
-- the keys are in the table as they are. There is one worker, so that there is one of each table.
local REQUESTS_PER_SECOND = 1000000

local users = {}
for line in io.lines("{{dir}}/keys.txt") do
  local key, user = line:match "^(%S+) (%d+)$"
  users["Bearer " .. key] = user
end

local window, requests = 0, {}
local units = {}

function envoy_on_request(handle)
  local headers = handle:headers()
  local user = users[headers:get("authorization")]
  if not user then
    return handle:respond({ [":status"] = "401", ["www-authenticate"] = "Bearer" }, "")
  end
  local now = os.time()
  if now ~= window then
    window, requests = now, {}
  end
  local count = (requests[user] or 0) + 1
  if count > REQUESTS_PER_SECOND then
    return handle:respond({ [":status"] = "429", ["retry-after"] = "1" }, "")
  end
  requests[user] = count
  headers:remove("authorization")
  headers:replace("x-user", user)
  handle:streamInfo():dynamicMetadata():set("keys", "user", user)
end

function envoy_on_response(handle)
  local value = tonumber(handle:headers():get("x-units") or "")
  local keys = handle:streamInfo():dynamicMetadata():get("keys")
  if value and keys then
    units[keys.user] = (units[keys.user] or 0) + value
  end
end
