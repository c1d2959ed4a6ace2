# What the programs of make compat share; see testenv/clients/python/steady.py.

require "json"

BEFORE, AFTER, PAUSE = 50, 100, 0.01
HOST, PORT = ARGV[0].split(":")
ERRORS = Hash.new(0)

def same(got, want)
  raise "got #{got.inspect}, want #{want.inspect}" unless got == want
end

def wait_for(what, times = 1500)
  times.times do
    got = yield
    return got if got
    sleep PAUSE
  end
  raise "asked #{times} times for #{what}"
end

def note(error)
  ERRORS["#{error.class}: #{error.message}"[0, 300]] += 1
end

# steady writes numbers until told, and reads them back: read_all is given the acknowledged ones, gives those found.
def steady(about, key, write, read_all)
  told = false
  Thread.new { $stdin.gets; told = true }
  acknowledged, tried, left = [], 0, AFTER
  while left > 0
    begin
      write.call(tried)
      acknowledged << tried
    rescue StandardError => error
      note(error)
    end
    tried += 1
    if tried == BEFORE
      puts "ready #{key}"
      $stdout.flush
    end
    left -= 1 if told
    sleep PAUSE
  end
  found = read_all.call(acknowledged).map { |number| Integer(number) }.tally
  puts JSON.generate({ settings: "" }.merge(about).merge(
    operations: tried, acknowledged: acknowledged.size, missing: acknowledged.count { |number| !found.key?(number) },
    twice: found.count { |_, times| times > 1 }, errors: ERRORS
  ))
  $stdout.flush
end
