/**
 * How the server's Node is started. The heap grows by steps that keep 1000 people on a small machine under 600 MB
 * (V8's own would let it double); the young generation is wide enough for a few seconds of runs, so that what a turn
 * needs dies there and is not moved to the old one.
 */
export const NODE_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--min-semi-space-size=16',
  '--max-semi-space-size=32',
  '--heap-growing-percent=60',
]
