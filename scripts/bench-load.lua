-- What wrk sends in scripts/bench: one verb on config maps of 1 KiB. From the environment: VERB (create, get, list, everything, patch, apply or delete),
-- COLLECTION (the path), TOKEN, PREFIX (of the names) and PRESENT (how many PREFIX-2, PREFIX-3, ... there are: wrk asks
-- for a first request that it doesn't send).
-- At the end it prints: requests, microseconds, failures, and the 50th and 99th percentile of the latency in milliseconds.

local verb, collection, prefix = os.getenv("VERB"), os.getenv("COLLECTION"), os.getenv("PREFIX")
local present = tonumber(os.getenv("PRESENT"))
local headers = { ["Authorization"] = "Bearer " .. os.getenv("TOKEN"), ["Accept"] = "application/json" }
local types = { create = "application/json", patch = "application/merge-patch+json", apply = "application/apply-patch+yaml" }
headers["Content-Type"] = types[verb]
local fill = string.rep("x", 1024)
local count = 0

-- The requests go through the objects that are there again and again; a deletion finds each once, and then wrk is told to stop.
function request()
    count = count + 1
    local number = (verb == "create" or verb == "delete") and count or 2 + count % (present - 2)
    local name = prefix .. "-" .. number
    local path = collection .. "/" .. name
    if verb == "create" then
        return wrk.format("POST", collection, headers,
            '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"' .. name .. '"},"data":{"fill":"' .. fill .. '"}}')
    elseif verb == "get" then
        return wrk.format("GET", path, headers)
    elseif verb == "list" then
        return wrk.format("GET", collection .. "?limit=500", headers)
    elseif verb == "everything" then
        return wrk.format("GET", collection, headers)
    elseif verb == "patch" then
        return wrk.format("PATCH", path, headers, '{"data":{"changed":"' .. count .. '"}}')
    elseif verb == "apply" then
        return wrk.format("PATCH", path .. "?fieldManager=bench&force=true", headers,
            '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"' .. name .. '"},"data":{"applied":"' .. count .. '"}}')
    end
    if count == present then wrk.thread:stop() end
    return wrk.format("DELETE", path, headers)
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format("RESULT %d %d %d %f %f", summary.requests, summary.duration,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
