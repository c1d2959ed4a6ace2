# The jobs of with_sidekiq.rb. The program and sidekiq's own worker process require this file; the address is in
# COMPAT_ADDRESS.

require "sidekiq"

CONNECTION = { url: "redis://#{ENV.fetch('COMPAT_ADDRESS')}/0", network_timeout: 60 }.freeze
DONE = "{compat}:done"

Sidekiq.configure_client { |config| config.redis = CONNECTION }
Sidekiq.configure_server do |config|
  config.redis = CONNECTION
  config.average_scheduled_poll_interval = 1
end

class Work
  include Sidekiq::Worker

  def perform(number)
    Sidekiq.redis { |redis| redis.rpush(DONE, number) }
  end
end

class FailOnce
  include Sidekiq::Worker
  sidekiq_options retry: 1
  sidekiq_retry_in { 0 }

  def perform(number)
    raise "as it should" if Sidekiq.redis { |redis| redis.incr("{compat}:tries") } == 1
    Sidekiq.redis { |redis| redis.rpush(DONE, number) }
  end
end
