// One BullMQ worker: a delayed job for each post. It writes "sending" before the request and "sent" after it to the
// same rows of the same PostgreSQL, each durable by itself, as a job that knows only of itself has to.
import http from "node:http";
import { createRequire } from "node:module";
import readline from "node:readline";

const asked = JSON.parse(process.argv[2]);
const require = createRequire(asked.modules + "/package.json");
const { Queue, Worker } = require("bullmq");
const pg = require("pg");

const connection = { host: asked.redis.host, port: asked.redis.port, db: asked.redis.db, maxRetriesPerRequest: null };
const pool = new pg.Pool({ connectionString: asked.database, max: 20 });
const agent = new http.Agent({ keepAlive: true, maxSockets: asked.in_flight });
const queue = new Queue("burst", { connection });
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");
const SENDING = { name: "sending", text: `UPDATE deliveries SET state = 'sending', claimed_by = 'bull', attempts = attempts + 1,
  lease_until = now() + interval '10 s', first_started_at = now(), version = version + 1 WHERE id = $1` };
const SENT = { name: "sent", text: `UPDATE deliveries SET state = 'sent', claimed_by = NULL, lease_until = NULL, sent_at = now(),
  remote_id = $2, url = $3, lateness_ms = $4, version = version + 1 WHERE id = $1` };

function send({ id, account, text }) {
  const body = JSON.stringify({ status: text, visibility: "public", language: "en" });
  const headers = {
    Accept: "application/json", Authorization: `Bearer token-${account}`, "Content-Type": "application/json",
    "Idempotency-Key": id, "Content-Length": Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: asked.port, path: "/api/v1/statuses", method: "POST", headers, agent };
    const request = http.request(options, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve(JSON.parse(Buffer.concat(parts))));
    });
    request.on("error", reject);
    request.end(body);
  });
}

let due = 0, left = 0, late = [];
async function work(job) {
  await pool.query({ ...SENDING, values: [job.data.id] });
  const said = await send(job.data);
  const lateness = Date.now() - due;
  await pool.query({ ...SENT, values: [job.data.id, said.id, said.url, Math.max(0, Math.round(lateness))] });
  late.push(lateness);
  if (--left === 0) say({ late, cpu: process.cpuUsage() });
}

await queue.obliterate({ force: true });
const worker = new Worker("burst", work, { connection, concurrency: asked.in_flight });
worker.on("error", (error) => process.stderr.write(String(error) + "\n"));
await worker.waitUntilReady();
say({ ready: true });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const burst = JSON.parse(line);
  (due = burst.due), (left = burst.jobs.length), (late = []);
  for (let at = 0; at < burst.jobs.length; at += 1000) {
    const some = burst.jobs.slice(at, at + 1000);
    await queue.addBulk(some.map((data) => ({
      name: "send", data, opts: { delay: Math.max(0, due - Date.now()), removeOnComplete: true },
    })));
  }
}
await worker.close(true);
await queue.obliterate({ force: true });
await queue.close();
await pool.end();
agent.destroy();
