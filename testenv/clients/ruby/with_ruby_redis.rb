# redis-rb.

require "redis"
require_relative "steady"

PATIENT = { host: HOST, port: Integer(PORT), timeout: 60 }.freeze
client = Redis.new(**PATIENT)
same(client.set("{compat}:text", "value", ex: 100), "OK")
same(client.get("{compat}:text"), "value")
same(client.incrby("{compat}:number", 41), 41)

same(client.pipelined { |pipe| pipe.get("{compat}:text"); pipe.incr("other"); pipe.get("none") }, ["value", 1, nil])

client.watch("{compat}:number") do
  same(client.multi { |multi| multi.incr("{compat}:number"); multi.get("{compat}:number") }, [42, "42"])
end

name = client.script(:load, "return redis.call('GET', KEYS[1]) .. ARGV[1]")
same(client.evalsha(name, ["{compat}:text"], ["!"]), "value!")
same(client.evalsha(name, ["{compat}:text"], ["?"]), "value?")

Thread.new { sleep 0.1; Redis.new(**PATIENT).lpush("{compat}:queue", "job") }
same(client.blpop("{compat}:queue", timeout: 5), ["{compat}:queue", "job"])

heard = Queue.new
Thread.new do
  Redis.new(**PATIENT, timeout: 0).subscribe("news") do |on|
    on.subscribe { heard << "subscribed" }
    on.message { |_, text| heard << text }
  end
end
same(heard.pop, "subscribed")
same(client.publish("news", "first"), 1)
same(heard.pop, "first")

entry = client.xadd("{compat}:stream", { "field" => "value" })
same(client.xread("{compat}:stream", "0"), { "{compat}:stream" => [[entry, { "field" => "value" }]] })
same(client.scan_each(match: "{compat}:t*").to_a, ["{compat}:text"])

steady({ library: "redis-rb", version: Redis::VERSION,
         ran: ["strings", "pipeline", "WATCH and MULTI", "EVALSHA", "BLPOP", "pub/sub, over the switch", "streams",
               "SCAN"],
         settings: "timeout 60 s, since the default of 5 s is shorter than many failovers" },
       "{compat}:list",
       ->(number) { client.rpush("{compat}:list", number); client.lindex("{compat}:list", -1) },
       lambda do |_|
         wait_for("a message of today") { client.publish("news", "second"); !heard.empty? && heard.pop == "second" }
         client.lrange("{compat}:list", 0, -1)
       end)
