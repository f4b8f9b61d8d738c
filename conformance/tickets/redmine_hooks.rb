# Tells vulndesk of every issue that was saved, by Standard Webhooks: an initializer of Redmine 5
# (config/initializers/vulndesk_hooks.rb). Where to, and with which secret, stands in the JSON file that VULNDESK_HOOKS
# names: {"url": "https://…/hooks/tickets/…", "secret": "whsec_…"}. It is read each time, so a new secret needs no restart.
require 'base64'
require 'json'
require 'net/http'
require 'openssl'
require 'securerandom'

module VulndeskHooks
  def self.post(issue)
    settings = JSON.parse(File.read(ENV.fetch('VULNDESK_HOOKS')))
    id = "redmine-#{SecureRandom.uuid}"
    at = Time.now.to_i.to_s
    body = { issue: { id: issue.id } }.to_json
    key = Base64.strict_decode64(settings['secret'].delete_prefix('whsec_'))
    signature = Base64.strict_encode64(OpenSSL::HMAC.digest('SHA256', key, "#{id}.#{at}.#{body}"))
    uri = URI(settings['url'])
    request = Net::HTTP::Post.new(uri, 'Content-Type' => 'application/json', 'webhook-id' => id,
                                       'webhook-timestamp' => at, 'webhook-signature' => "v1,#{signature}")
    request.body = body
    answer = Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == 'https', open_timeout: 5, read_timeout: 5) do |http|
      http.request(request)
    end
    Rails.logger.warn("vulndesk answered #{answer.code}") unless answer.is_a?(Net::HTTPSuccess)
  rescue StandardError => e
    # A hook that is lost costs time and nothing else: saving the issue never fails for it.
    Rails.logger.warn("vulndesk was not told: #{e.message}")
  end
end

# After the commit: vulndesk reads the issue back, and has to find what was saved.
Rails.application.config.to_prepare do
  Issue.after_commit { VulndeskHooks.post(self) unless destroyed? } unless Issue.respond_to?(:tells_vulndesk)
  Issue.define_singleton_method(:tells_vulndesk) { true }
end
