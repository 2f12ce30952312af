// Bluesky's own servers on this machine only. Says in one line where they are; ends when its input ends.
import dns from 'node:dns'
import net from 'node:net'
import { pathToFileURL } from 'node:url'

// They would listen to everybody; nothing here is anybody else's.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...given) {
  if (typeof given[0] === 'number' && typeof given[1] !== 'string') given.splice(1, 0, '127.0.0.1')
  else if (given[0] && typeof given[0] === 'object' && 'port' in given[0] && !given[0].host) given[0].host = '127.0.0.1'
  return listen.apply(this, given)
}
dns.setDefaultResultOrder('ipv4first')
console.log = console.info = console.debug = () => {}

const { TestNetwork, TestNetworkNoAppView } = await import(
  pathToFileURL(`${process.argv[2]}/node_modules/@atproto/dev-env/dist/index.js`).href
)
const pds = { rateLimitsEnabled: true, bskyAppViewCdnUrlPattern: 'https://cdn.example/%s/%s/%s' }
const { DB_POSTGRES_URL, DB_POSTGRES_SCHEMA } = process.env
const network = DB_POSTGRES_URL
  ? await TestNetwork.create({ dbPostgresUrl: DB_POSTGRES_URL, dbPostgresSchema: DB_POSTGRES_SCHEMA, pds })
  : await TestNetworkNoAppView.create({ pds })
process.stdout.write(`${JSON.stringify({ pds: network.pds.url, reads: Boolean(DB_POSTGRES_URL) })}\n`)

process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
