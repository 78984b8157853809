import { createServer } from 'node:http'
import express from 'express'
import { electricRouter } from './http/electric-router.ts'
import { createShapeServer } from './shape-server.ts'

/** A shape server in a process of its own, to be killed: `node testing-process.ts <database> <directory> <port> <secret>`. */
const [databaseUrl = '', directory = '', port = '0', secret = ''] = process.argv.slice(2)
const server = createShapeServer({
  databaseUrl,
  directory,
  anyTable: true,
  pollMs: 2_000,
  reconcileMs: 200,
  segmentSize: 64 * 1024,
  limits: { chunkSize: 20_000 },
})
await server.start()
const app = express()
app.use(electricRouter({ server, secret }))
createServer(app).listen(Number(port), '127.0.0.1', () => process.stdout.write('up\n'))
