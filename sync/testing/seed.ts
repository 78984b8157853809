/** The seed of this run: BANYAN_SEED repeats one, and each test names its own in its title. */
export const SEED = Number(process.env['BANYAN_SEED'] ?? Date.now() % 1_000_000)
