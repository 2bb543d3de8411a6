-- API keys for nginx: SHA-256 of the key -> user, a rate per user in windows of a second, and units per user.
local ffi = require "ffi"
local keys, rates, units = ngx.shared.keys, ngx.shared.rates, ngx.shared.units

-- nginx itself brings OpenSSL's library along; Debian has no Lua module for it.
ffi.cdef [[ unsigned char *SHA256(const unsigned char *data, size_t length, unsigned char *digest); ]]
local crypto = ffi.load "crypto.so.3"
local digest = ffi.new "unsigned char[32]"

local REQUESTS_PER_SECOND = 1000000
local KEPT_SECONDS = 2

local function sha256(text)
  crypto.SHA256(text, #text, digest)
  return ffi.string(digest, 32)
end

local M = {}

-- A line is a key, a space, and the id of its user.
function M.load(path)
  for line in io.lines(path) do
    local key, user = line:match "^(%S+) (%d+)$"
    local added, why = keys:safe_set(sha256(key), user)
    if not added then error("the dictionary of keys: " .. why) end
  end
end

function M.admit()
  local header = ngx.var.http_authorization
  local user = header and header:sub(1, 7) == "Bearer " and keys:get(sha256(header:sub(8)))
  if not user then
    ngx.header["WWW-Authenticate"] = "Bearer"
    return ngx.exit(ngx.HTTP_UNAUTHORIZED)
  end
  local window = user .. ":" .. math.floor(ngx.now())
  local requests, why = rates:incr(window, 1, 0, KEPT_SECONDS)
  if not requests then
    ngx.log(ngx.ERR, "the dictionary of rates: ", why)
  elseif requests > REQUESTS_PER_SECOND then
    ngx.header["Retry-After"] = 1
    return ngx.exit(ngx.HTTP_TOO_MANY_REQUESTS)
  end
  ngx.var.lockgate_user = user
end

function M.count()
  local value = tonumber(ngx.var.upstream_http_x_units)
  local user = ngx.var.lockgate_user
  if value and user ~= "-" then units:incr(user, value, 0) end
end

return M
