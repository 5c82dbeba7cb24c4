// Groups of the official SDK's realtime clients: no handler runs twice, none is left out, none waits.
//
// The SDK hands messages to handlers in the order of `seq`, stops for two seconds at every hole in it,
// and reports such a stop as a gap, so each test also looks at the gaps.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { until, withServer } from './agentchat-server.mjs'
import { Gate } from './gate.mjs'

// Nothing can be waited for that must not come; the SDK's look at a hole takes two seconds.
const WATCH_FOR_A_SECOND_RUN_MS = 3_000

/** A member of a group and what its handler was called with. */
class Member {
  rows = []

  constructor(agent) {
    this.agent = agent
    this.handle = agent.handle
  }

  heard(event) {
    this.rows.push(event.payload)
    return event.payload
  }

  get seqs() {
    return this.rows.map((row) => row.seq)
  }

  get texts() {
    return this.rows.map((row) => row.content.text)
  }

  get ofOthers() {
    return this.rows.filter((row) => !row.is_own)
  }

  async listen(handler = (event) => void this.heard(event), options = {}) {
    this.listener = await this.agent.listen(handler, options)
  }

  close() {
    this.listener.close()
  }

  /** Each message of the others once, each in its place, and own ones at most once. */
  withoutAFault(history) {
    const ordered = [...new Set(this.seqs)].sort((one, other) => one - other)
    assert.deepEqual(this.seqs, ordered, `${this.handle} ran twice or out of order`)
    const others = history.filter((row) => row.sender !== this.handle)
    assert.deepEqual(
      this.ofOthers.map((row) => row.id),
      others.map((row) => row.id),
      `${this.handle} missed something`,
    )
    for (const row of this.rows) assert.equal(row.is_own, row.sender === this.handle)
  }

  withoutAStop() {
    assert.deepEqual(this.listener.gaps, [], `${this.handle} waited`)
  }
}

/** What was said in the group after a number, oldest first. */
async function conversation(agent, group, after) {
  const rows = []
  let afterSeq = after
  for (;;) {
    const page = await agent.client.getMessages(group, { afterSeq, limit: 200 })
    if (page.length === 0) return rows
    rows.push(...page)
    afterSeq = page.at(-1).seq
  }
}

const newestSeq = async (agent, group) =>
  (await agent.client.getMessages(group, { limit: 1 }))[0].seq

async function ring(server) {
  const turns = 60
  const [agents, group] = await server.group('alice', 'bob', 'carol')
  const members = agents.map((agent) => new Member(agent))
  const begun = await newestSeq(agents[0], group)
  for (const [place, member] of members.entries()) {
    await member.listen(async (event) => {
      const row = member.heard(event)
      const next = Number(row.content.text) + 1
      // The turn after this one is the next member's, in a ring.
      if (!row.is_own && next <= turns && next % 3 === place) {
        await member.agent.reply(group, String(next))
      }
    })
  }
  await agents[0].reply(group, '0')
  for (const member of members.filter((_, place) => turns % 3 !== place)) {
    await until(() => member.texts.includes(String(turns)), `${member.handle} hears the end`, 60_000)
  }
  for (const agent of agents) await agent.nothingStored()
  const history = await conversation(agents[0], group, begun)
  assert.deepEqual(
    history.map((row) => Number(row.content.text)),
    Array.from({ length: turns + 1 }, (_, index) => index),
  )
  for (const member of members) {
    member.withoutAFault(history)
    member.withoutAStop()
    // Own messages came just before the next one of the others: there is no hole in what it heard.
    assert.equal(member.seqs.at(-1) - member.seqs[0] + 1, member.seqs.length)
    member.close()
  }
}

async function allAtOnce(server) {
  const rounds = 25
  const [agents, group] = await server.group('alice', 'bob', 'carol')
  const members = agents.map((agent) => new Member(agent))
  const after = await newestSeq(agents[0], group)
  for (const member of members) {
    await member.listen(async (event) => {
      const row = member.heard(event)
      if (row.content.text.startsWith('call') && !row.is_own) {
        await member.agent.reply(group, `${member.handle} on ${row.content.text}`)
      }
    })
  }
  for (let number = 0; number < rounds; number += 1) {
    await Promise.all(agents.map((agent) => agent.reply(group, `call ${number}`)))
  }
  // Each call is answered by the two others.
  const spoken = rounds * 3 * 3
  const all = async () => (await newestSeq(agents[0], group)) === after + spoken
  await until(all, 'every answer', 60_000)
  const history = await conversation(agents[0], group, after)
  for (const member of members) {
    const others = history.filter((row) => row.sender !== member.handle).length
    await until(() => member.ofOthers.length >= others, `${member.handle} hears all`, 30_000)
    await member.agent.nothingStored()
    member.withoutAFault(history)
    member.withoutAStop()
  }
  for (const member of members) member.close()
}

async function withoutAFilter(server) {
  const [[alice, bob], group] = await server.group('alice', 'bob', 'carol')
  const answered = []
  const listener = await bob.listen(async (event) => {
    answered.push(event.payload.content.text)
    await bob.reply(group, 'thank you')
  })
  await alice.reply(group, 'one message')
  await until(() => answered.length > 0, 'the answer')
  await pause(WATCH_FOR_A_SECOND_RUN_MS)
  assert.deepEqual(answered, ['one message'])
  await bob.nothingStored()
  listener.close()
}

async function joinsLate(server, connected) {
  const [[alice, bob], group] = await server.group('alice', 'bob')
  for (let number = 0; number < 5; number += 1) await alice.reply(group, `before ${number}`)
  const carol = new Member(await server.agent('carol'))
  if (connected) await carol.listen()
  await alice.invite(group, carol.agent)
  const expected = ['after 0', 'after 1', 'after 2']
  for (const text of expected) await bob.reply(group, text)
  if (!connected) await carol.listen()
  // The number of the first one is not 1, and there is no hole before it.
  await until(() => carol.rows.length >= 3, 'what was said since')
  await carol.agent.nothingStored()
  assert.deepEqual(carol.texts, expected)
  assert.deepEqual(carol.seqs, [8, 9, 10])
  assert.deepEqual(carol.listener.gaps, [])
  carol.close()
  const seen = await conversation(carol.agent, group, 0)
  assert.deepEqual(
    seen.map((row) => [row.seq, row.type]),
    [
      [7, 'system'],
      [8, 'text'],
      [9, 'text'],
      [10, 'text'],
    ],
  )
}

async function comesBack(server) {
  const [[alice, bob, second], group] = await server.group('alice', 'bob', 'carol')
  const carol = new Member(second)
  await carol.listen()
  for (const text of ['before 0', 'before 1']) await alice.reply(group, text)
  await until(() => carol.rows.length === 2, 'what was said before')
  await second.client.leaveGroup(group)
  for (let number = 0; number < 5; number += 1) await bob.reply(group, `between ${number}`)
  await alice.invite(group, second)
  for (const text of ['after 0', 'after 1']) await bob.reply(group, text)
  // The SDK may know the earlier numbers and look for the ones between, which nobody gives it.
  await until(() => carol.texts.includes('after 1'), 'what was said since')
  await second.nothingStored()
  await pause(WATCH_FOR_A_SECOND_RUN_MS)
  assert.deepEqual(
    carol.ofOthers.map((row) => row.content.text),
    ['before 0', 'before 1', 'after 0', 'after 1'],
  )
  assert.equal(new Set(carol.seqs).size, carol.seqs.length)
  carol.close()
}

async function mutedWakeNobody(server) {
  const [[alice, second], group] = await server.group('alice', 'bob', 'carol')
  const bob = new Member(second)
  await second.client.muteConversation(group)
  await bob.listen()
  const muted = ['message 0', 'message 1', 'message 2']
  for (const text of muted) await alice.reply(group, text)
  // A message on another way, to see that those of the group are not merely late.
  await alice.send('bob', 'read the group, please')
  await until(() => bob.rows.length > 0, 'the direct message')
  assert.deepEqual(bob.texts, ['read the group, please'])
  await until(async () => (await second.undelivered()) === 3, 'only the muted ones wait')
  bob.close()
  const again = new Member(second)
  await again.listen()
  await until(() => again.rows.length >= 3, 'what was muted')
  await second.nothingStored()
  assert.deepEqual(again.texts, muted)
  again.close()
}

async function mutedComeWithTheNext(server) {
  const [[alice, second, carol], group] = await server.group('alice', 'bob', 'carol')
  const bob = new Member(second)
  await bob.listen()
  await carol.reply(group, 'before')
  await until(() => bob.rows.length === 1, 'the first message')
  await second.client.muteAgent('alice')
  const muted = ['muted 0', 'muted 1', 'muted 2']
  for (const text of muted) await alice.reply(group, text)
  await carol.reply(group, 'loud')
  // The SDK sees the hole, waits two seconds, fills it from the history, and acks what it fetched.
  await until(() => bob.texts.includes('loud'), 'the loud message')
  await second.nothingStored()
  await pause(WATCH_FOR_A_SECOND_RUN_MS)
  assert.deepEqual(bob.texts, ['before', ...muted, 'loud'])
  assert.deepEqual(
    bob.listener.gaps.map(({ reason, recovered }) => [reason, recovered]),
    [['gap_filled', true]],
  )
  await bob.listener.client.drainOfflineEnvelopes()
  assert.equal(bob.rows.length, 5)
  bob.close()
}

async function missedAreDrained(server) {
  const [[alice, second, carol], group] = await server.group('alice', 'bob', 'carol')
  const bob = new Member(second)
  const after = await newestSeq(alice, group)
  // More than one page of the SDK's drain, from two senders.
  for (let number = 0; number < 130; number += 1) {
    await [alice, carol][number % 2].reply(group, `missed ${number}`)
  }
  assert.equal(await second.undelivered(), 130)
  await bob.listen()
  await until(() => bob.rows.length > 0, 'the first one')
  for (let number = 0; number < 10; number += 1) await alice.reply(group, `live ${number}`)
  await until(() => bob.rows.length >= 140, 'every message', 30_000)
  await second.nothingStored()
  await pause(WATCH_FOR_A_SECOND_RUN_MS)
  bob.withoutAFault(await conversation(alice, group, after))
  bob.withoutAStop()
  bob.close()
}

async function ownAmongTheMissed(server) {
  const [[alice, second], group] = await server.group('alice', 'bob', 'carol')
  const bob = new Member(second)
  const after = await newestSeq(alice, group)
  for (let number = 0; number < 6; number += 1) {
    await alice.reply(group, `question ${number}`)
    // By another process of the agent, which has no socket.
    await second.reply(group, `answer ${number}`)
  }
  await alice.reply(group, 'the end')
  await bob.listen()
  await until(() => bob.texts.includes('the end'), 'every message', 15_000)
  // The SDK acks nothing of a drain behind a hole. It is offered again, and then acked.
  assert.ok((await second.undelivered()) > 0)
  await second.nothingStored(20_000)
  await pause(WATCH_FOR_A_SECOND_RUN_MS)
  bob.withoutAFault(await conversation(alice, group, after))
  bob.close()
}

async function restart(server) {
  const [agents, group] = await server.group('alice', 'bob', 'carol')
  const members = agents.map((agent) => new Member(agent))
  const after = await newestSeq(agents[0], group)
  const everybodySays = async (part) => {
    for (let number = 0; number < 4; number += 1) {
      for (const agent of agents) await agent.reply(group, `${part} ${number}`)
    }
  }
  const everybodyHeard = async (count) => {
    for (const member of members) {
      const done = () => member.ofOthers.length >= count
      await until(done, `${member.handle} hears ${count} of the others`, 20_000)
    }
  }
  const gate = await Gate.before(server)
  try {
    for (const member of members) await member.listen(undefined, { baseUrl: gate.socketUrl })
    await everybodySays('before')
    await everybodyHeard(8)
    gate.refusing = true
    await server.stop()
    await server.start()
    // All sockets are away: what is said now waits for them.
    await everybodySays('meanwhile')
    gate.refusing = false
    for (const member of members) await member.listener.connected(2)
    await everybodyHeard(16)
    await everybodySays('after')
    await everybodyHeard(24)
    const history = await conversation(agents[0], group, after)
    assert.equal(history.length, 36)
    for (const member of members) member.withoutAFault(history)
  } finally {
    for (const member of members) member.listener?.close()
    gate.close()
  }
}

describe('group conversations', { concurrency: 4 }, () => {
  test('three members answer each other without a pause', withServer(ring))
  test('three members speak all at once', withServer(allAtOnce))
  test('a handler without a sender filter answers a group once', withServer(withoutAFilter))
  for (const connected of [true, false]) {
    test(
      `who joins late hears from there on (${connected ? 'live' : 'away'})`,
      withServer((server) => joinsLate(server, connected)),
    )
  }
  test('who comes back hears nothing of the time between', withServer(comesBack))
  test('a muted group waits until the next connection', withServer(mutedWakeNobody))
  test('muted messages come with the next that wakes', withServer(mutedComeWithTheNext))
  test('what was missed of a group is drained once', withServer(missedAreDrained))
  const soon = { flags: ['--reoffer-seconds', '3'] }
  test('own messages among the missed ones do no harm', withServer(ownAmongTheMissed, soon))
  test('a restart of the server interrupts nobody', withServer(restart))
})
