// A started `agentchat serve` on a free port with a temporary folder, and agents on it.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { AgentChatClient, RealtimeClient } from 'agentchatme'
import { fitsEvent } from './shapes.mjs'

const BINARY = process.env.AGENTCHAT_BINARY
const ADMIN_TOKEN = 'official-suite-operator-token-0123456789'
const LISTENING = /listening on http:\/\/[0-9.]+:([0-9]+)/
// The server on which every test has a database of its own; without it they use the embedded store.
const POSTGRES = process.env.AGENTCHAT_TEST_POSTGRES
// Only the policies that a suite on one machine would reach by its speed.
const LIFTED = ['send', 'api', 'ws_connect', 'group_send'].flatMap((name) => [
  '--limit',
  `${name}=off`,
])
/** All that a server says on a socket, as the SDK's `ServerEvent` lists it. */
const EVENTS = [
  'message.new',
  'message.read',
  'presence.update',
  'typing.start',
  'typing.stop',
  'rate_limit.warning',
  'group.invite.received',
  'group.deleted',
]

/** One data folder and one port; the process behind them can be stopped and started again. */
export class Server {
  port = 0
  log = []

  /** Sockets of the test, whoever closes them. */
  listeners = []
  /** Frames that were not what the SDK's types say. */
  faults = []

  /** Without its built-in agent, whose welcome would be in every inbox, unless that is asked for. */
  constructor(folder, { flags = [], systemAgent = false } = {}) {
    this.folder = folder
    this.flags = [...(systemAgent ? [] : ['--no-system-agent']), ...flags]
    this.mailbox = new Mailbox(join(folder, 'mail'))
    this.database = databaseFlags()
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  get socketUrl() {
    return `ws://127.0.0.1:${this.port}`
  }

  /** Resolves when the server says on which address it listens. */
  async start() {
    const flags = [
      ...['serve', '--listen', `127.0.0.1:${this.port}`],
      ...['--data-dir', join(this.folder, 'data')],
      ...['--mail', `file:${this.mailbox.folder}`],
      ...['--admin-token', ADMIN_TOKEN],
      ...LIFTED,
      ...this.flags,
      ...this.database,
    ]
    const child = spawn(BINARY, flags, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.process = child
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    const listening = new Promise((resolve) => {
      for (const output of [child.stdout, child.stderr]) {
        createInterface(output).on('line', (line) => {
          this.log.push(line)
          const found = LISTENING.exec(line)
          if (found) resolve(Number(found[1]))
        })
      }
    })
    const port = await Promise.race([
      listening,
      this.exited.then(() => 0),
      pause(20_000, 0, { ref: false }),
    ])
    assert.ok(port, `the server did not start:\n${this.log.join('\n')}`)
    this.port = port
  }

  /** SIGTERM and an orderly end. */
  async stop() {
    this.process.kill('SIGTERM')
    assert.equal(await this.exited, 0, 'the exit code of the server')
  }

  /** The end of a test, whatever became of it: leaves no process and no folder. */
  async end() {
    for (const listener of this.listeners) listener.close()
    if (this.process?.exitCode === null && this.process?.signalCode === null) {
      this.process.kill('SIGKILL')
      await this.exited
    }
    await rm(this.folder, { recursive: true, force: true })
  }

  /** An account without the mail round, by the operator's endpoint. */
  async agent(handle, email = `${handle}@example.com`) {
    const answer = await fetch(`${this.url}/admin/agents`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ handle, email }),
    })
    const body = await answer.json()
    assert.equal(answer.status, 201, JSON.stringify(body))
    return new Agent(this, handle, body.api_key)
  }

  async agents(...handles) {
    const agents = []
    for (const handle of handles) agents.push(await this.agent(handle))
    return agents
  }

  /**
   * Agents, of whom the first made a group that the others have joined in turn, and its id. Nobody
   * keeps anything undelivered of how it came about.
   */
  async group(...handles) {
    const members = await this.agents(...handles)
    const [creator, ...others] = members
    const { group } = await creator.client.createGroup({ name: 'ops' })
    for (const member of others) await creator.invite(group.id, member)
    for (const member of members) await member.takeAll()
    return [members, group.id]
  }

  /** Two agents whose conversation is established and read by both, and its id. */
  async acquainted(first, second) {
    const one = await this.agent(first)
    const other = await this.agent(second)
    const sent = await one.send(second, 'hello')
    await other.send(first, 'hello yourself')
    for (const agent of [one, other]) {
      const rows = await agent.client.sync()
      await agent.client.syncAck(rows.at(-1).delivery_id)
    }
    return [one, other, sent.conversation_id]
  }
}

/** A fresh database, if the suite runs on PostgreSQL. */
function databaseFlags() {
  if (!POSTGRES) return []
  const name = `official_${randomUUID().replaceAll('-', '')}`
  execFileSync('createdb', [`--maintenance-db=${POSTGRES}/postgres`, name])
  return ['--database-url', `${POSTGRES}/${name}?connections=8`]
}

/** An account and the official client that speaks for it. */
export class Agent {
  constructor(server, handle, apiKey) {
    this.server = server
    this.handle = handle
    this.apiKey = apiKey
    this.client = new AgentChatClient({ apiKey, baseUrl: server.url })
  }

  /** Sends a text and returns the stored message. */
  async send(to, text) {
    const { message } = await this.client.sendMessage({ to: `@${to}`, content: { text } })
    return message
  }

  /** The same to a conversation, direct or a group. */
  async reply(conversationId, text) {
    const request = { conversation_id: conversationId, content: { text } }
    return (await this.client.sendMessage(request)).message
  }

  /** Brings another agent into a group, which that agent accepts. */
  async invite(group, other) {
    const { invite_id } = await this.client.addGroupMember(group, other.handle)
    await other.client.acceptGroupInvite(invite_id)
  }

  /** Settles what is stored for the agent; the texts, undefined for what has none. */
  async takeAll() {
    const rows = await this.client.sync({ limit: 500 })
    if (rows.length > 0) await this.client.syncAck(rows.at(-1).delivery_id)
    return rows.map((row) => row.content.text)
  }

  /** How many messages the server still keeps for the agent. */
  async undelivered() {
    const answer = await fetch(`${this.server.url}/v1/messages/undelivered/count`, {
      headers: { Authorization: `Bearer ${this.apiKey}` },
    })
    assert.equal(answer.status, 200)
    return (await answer.json()).count
  }

  nothingStored(timeoutMs) {
    const none = async () => (await this.undelivered()) === 0
    return until(none, `nothing is stored for ${this.handle}`, timeoutMs)
  }

  /** The official RealtimeClient with a REST client, connected; it is closed by `close()`. */
  async listen(handler, options = {}) {
    const listener = new Listener(this, handler, options)
    this.server.listeners.push(listener)
    await listener.client.connect()
    await listener.connected()
    return listener
  }
}

class Listener {
  connects = 0
  gaps = []
  /** Every frame of the types in EVENTS, as `[type, payload]`, in the order of arrival. */
  events = []
  disconnects = []
  errors = []

  constructor(agent, handler, options) {
    this.agent = agent
    this.client = new RealtimeClient({
      apiKey: agent.apiKey,
      baseUrl: agent.server.socketUrl,
      client: agent.client,
      reconnectInterval: 100,
      maxReconnectInterval: 400,
      onSequenceGap: (gap) => void this.gaps.push(gap),
      ...options,
    })
    this.client.on('message.new', handler)
    for (const event of EVENTS) this.client.on(event, (frame) => this.#happened(frame))
    this.client.onConnect(() => void this.connects++)
    this.client.onDisconnect((info) => void this.disconnects.push(info))
    this.client.onError((error) => void this.errors.push(error))
  }

  #happened(frame) {
    this.events.push([frame.type, frame.payload])
    try {
      fitsEvent(frame)
    } catch (fault) {
      this.agent.server.faults.push(fault)
    }
  }

  /** The payloads of one type, oldest first. */
  of(event) {
    return this.events.filter(([type]) => type === event).map(([, payload]) => payload)
  }

  /** Waits for so many frames of one type. */
  async heard(event, count = 1) {
    await until(
      () => this.of(event).length >= count,
      `${this.agent.handle} hears ${count} of ${event}`,
    )
    return this.of(event)
  }

  connected(times = 1) {
    return until(() => this.connects >= times, `${this.agent.handle} is connected ${times} times`)
  }

  close() {
    this.client.disconnect()
  }
}

/** The folder into which the server writes its mail. */
class Mailbox {
  #read = new Map()

  constructor(folder) {
    this.folder = folder
  }

  /** The code of the next mail to this address that was not read yet. */
  async code(address) {
    const already = this.#read.get(address) ?? 0
    let codes = []
    const arrived = async () => (codes = await this.#codes(address)).length > already
    await until(arrived, `a mail to ${address}`)
    this.#read.set(address, already + 1)
    return codes[already]
  }

  /** In the order in which the mails were written, which their names tell. */
  async #codes(address) {
    const names = await readdir(this.folder).catch(() => [])
    const mails = names.filter((name) => name.endsWith('.eml')).sort()
    const texts = await Promise.all(mails.map((name) => readFile(join(this.folder, name), 'utf8')))
    return texts
      .filter((text) => text.includes(address))
      .map((text) => /\b(\d{6})\b(?!-)/.exec(body(text))?.[1])
      .filter((code) => code !== undefined)
  }
}

/** What follows the head of a mail. */
function body(mail) {
  const [, rest] = mail.split(/\r?\n\r?\n([^]*)/, 2)
  return rest || mail
}

/** Waits for something that can be seen, and says what it was when it does not come. */
export async function until(condition, what, timeoutMs = 10_000) {
  const end = performance.now() + timeoutMs
  while (!(await condition())) {
    assert.ok(performance.now() < end, `not seen within ${timeoutMs} ms: ${what}`)
    await pause(10)
  }
}

/** The rejection's error, of the class it has to be. */
export async function rejection(promise, kind) {
  const error = await promise.then(
    () => assert.fail(`expected ${kind.name}`),
    (error) => error,
  )
  assert.ok(error instanceof kind, `expected ${kind.name}, got ${error}`)
  return error
}

/** Runs a test's body with a server of its own; the server's log is shown when it fails. */
export function withServer(job, options) {
  return async () => {
    const server = new Server(await mkdtemp(join(tmpdir(), 'agentchat-official-')), options)
    try {
      await server.start()
      await job(server)
      assert.deepEqual(server.faults, [])
    } catch (error) {
      console.error(server.log.join('\n'))
      throw error
    } finally {
      await server.end()
    }
  }
}
