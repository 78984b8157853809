import type { DeviceHandle } from './device-handle.ts'
import { pause, type ServerHandle } from './server-handle.ts'

export interface Field {
  server: ServerHandle
  devices: readonly DeviceHandle[]
  random: (below: number) => number
}

export interface Trouble {
  name: string
  /** Resolves when it is over. */
  run: (field: Field) => Promise<void>
}

const MINUTE = 60_000
const CLOCKS = [-120 * MINUTE, -10 * MINUTE, -MINUTE, 0, MINUTE, 10 * MINUTE, 120 * MINUTE]

function one<T>(all: readonly T[], random: Field['random']): T {
  const found = all[random(all.length)]
  if (found === undefined) throw new Error('nothing to choose from')
  return found
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch {
      // it has ended by itself
    }
  }
}

const killServer: Trouble = {
  name: 'kill -9 of the server',
  run: async ({ server, random }) => {
    await server.kill()
    await pause(random(3000))
    await server.start()
  },
}

const fillDisk: Trouble = {
  name: 'a full disk',
  run: async ({ server, random }) => {
    await server.fillDisk(2000 + random(4000))
    // who found no room may have given up
    await server.startIfEnded()
  },
}

export const TROUBLES: readonly Trouble[] = [
  killServer,
  killServer,
  {
    name: 'kill -9 of a process of Postgres',
    run: async ({ server, random }) => {
      const pids = server.postgresPids()
      // the postmaster as often as all others together
      const victim = random(2) === 0 ? pids[0] : one(pids, random)
      if (victim !== undefined) signal([victim], 'SIGKILL')
      await pause(1000)
      await server.startIfEnded()
    },
  },
  {
    name: 'a server that stands still',
    run: ({ server, random }) => server.freeze(500 + random(6000)),
  },
  {
    name: 'a database that stands still',
    run: async ({ server, random }) => {
      const pids = server.postgresPids()
      signal(pids, 'SIGSTOP')
      await pause(500 + random(4000))
      signal(pids, 'SIGCONT')
    },
  },
  fillDisk,
  {
    name: 'a device whose clock is set',
    run: async ({ devices, random }) => one(devices, random).clock(one(CLOCKS, random)),
  },
  {
    name: 'a line that is cut',
    run: async ({ devices, random }) => {
      const device = one(devices, random)
      device.line(false)
      await pause(200 + random(8000))
      device.line(true)
    },
  },
  {
    name: 'kill -9 of a device',
    run: async ({ devices, random }) => {
      const device = one(devices, random)
      await device.kill()
      await pause(random(1000))
      await device.start()
    },
  },
  {
    name: 'kill -9 of a device',
    run: async ({ devices, random }) => {
      const device = one(devices, random)
      await device.kill()
      await device.start()
    },
  },
]

/** Troubles that this machine allows. */
export function troublesFor(server: ServerHandle): readonly Trouble[] {
  return server.hasOwnDisk ? TROUBLES : TROUBLES.filter((trouble) => trouble !== fillDisk)
}
