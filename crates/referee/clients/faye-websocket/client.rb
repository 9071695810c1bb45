# faye-websocket on EventMachine: it does not dial again by itself, so this is what its users write.
require 'eventmachine'
require 'faye/websocket'

DELAY_S = 1

def connect
  headers = { 'Authorization' => "Bearer #{ENV.fetch('ENGINE_TOKEN')}" }
  socket = Faye::WebSocket::Client.new(ENV.fetch('ENGINE_URL'), [], headers: headers)
  socket.on(:open) { ARGV.each { |subscription| socket.send(subscription) } }
  socket.on(:message) { |message| puts message.data }
  socket.on(:close) { EM.add_timer(DELAY_S) { connect } }
end

$stdout.sync = true
EM.run { connect }
