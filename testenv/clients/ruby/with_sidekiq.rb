# sidekiq: jobs that a process of its own does.

ENV["COMPAT_ADDRESS"] = ARGV[0]
require_relative "steady"
require_relative "sidekiq_jobs"

jobs = File.expand_path("sidekiq_jobs.rb", __dir__)
worker = spawn("sidekiq", "-r", jobs, "-c", "4", out: File::NULL, err: File::NULL)
at_exit { Process.kill(:KILL, worker) }

def done
  Sidekiq.redis { |redis| redis.lrange(DONE, 0, -1) }.map { |number| Integer(number) }
end

Work.perform_async(-1)
Work.perform_in(0.5, -2)
FailOnce.perform_async(-3)
Sidekiq::Client.push_bulk("class" => Work, "args" => [[-4], [-5], [-6]])
wait_for("all jobs", 4000) { done.sort == (-6..-1).to_a }

steady({ library: "sidekiq", version: Sidekiq::VERSION,
         ran: ["jobs", "delayed jobs", "retries", "bulk", "jobs added and worked on over the switch"],
         settings: "network_timeout 60 s, since the default of 1 s is shorter than a failover; in a cluster jobs are " \
                   "done, but its heartbeat, a transaction over several slots, fails: its own page shows no processes" },
       "queue:default",
       ->(number) { Work.perform_async(number) },
       lambda do |acknowledged|
         begin
           wait_for("all jobs", 3000) { (acknowledged - done).empty? }
         rescue RuntimeError => late # what a receipt tells of may be missing; the runner judges that
           warn late.message
         end
         done.reject(&:negative?)
       end)
