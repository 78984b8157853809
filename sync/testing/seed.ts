/**
 * The seed of this run; each test names it in its title, and BANYAN_SEED repeats it. `npm test` takes the same one every
 * time: it asks whether a change broke something. The soak takes a new one: it looks for what nobody has found yet.
 */
export const SEED = Number(
  process.env['BANYAN_SEED'] ?? (process.env['BANYAN_SOAK'] === '1' ? Date.now() % 1_000_000 : 1),
)
