// Preloaded into the server (node --import): when the launcher dies without a word (kill -9), the server leaves too, in order,
// instead of living on unseen and holding the port and the data directory.
if (process.channel) {
  process.channel.unref()
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
}
