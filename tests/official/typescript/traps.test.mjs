// The traps in which existing clients fell, each with the official SDK.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { until, withServer } from './agentchat-server.mjs'

// A fault that starts a handler again does so within a run of the handler or the SDK's two
// seconds for a hole; nothing can be waited for that must not come.
const WATCH_FOR_A_SECOND_RUN_MS = 3_000

async function twoBots(server) {
  const turns = 50
  const [alice, bob, conversation] = await server.acquainted('alice', 'bob')
  const handled = []
  const bot = (me) => async (event) => {
    const row = event.payload
    if (row.sender === me.handle) return
    handled.push(performance.now())
    if (handled.length <= turns) await me.reply(row.conversation_id, `turn ${handled.length}`)
  }
  const listeners = [await alice.listen(bot(alice)), await bob.listen(bot(bob))]
  await alice.send('bob', 'turn 0')
  await until(() => handled.length > turns, `${turns} turns`, turns * 2_500)
  await alice.nothingStored()
  await bob.nothingStored()
  listeners.forEach((listener) => listener.close())
  const took = handled.slice(1).map((at, index) => at - handled[index])
  assert.equal(took.length, turns)
  // The pause would be the two seconds that the SDK waits for a hole.
  assert.ok(Math.max(...took) <= 1_500, `turns in ms: ${took.map(Math.round)}`)
  const [newest] = await alice.client.getMessages(conversation, { limit: 1 })
  assert.equal(newest.seq, 2 + 1 + turns)
}

async function answersOnce(server, arrival) {
  const [alice, bob] = [await server.agent('alice'), await server.agent('bob')]
  let answers = 0
  const answerEverything = async (event) => {
    answers += 1
    await bob.reply(event.payload.conversation_id, 'thank you')
  }
  const drained = arrival === 'drained' ? await alice.send('bob', 'one message') : undefined
  const listener = await bob.listen(answerEverything)
  const { conversation_id } = drained ?? (await alice.send('bob', 'one message'))
  await until(() => answers >= 1, 'the answer')
  await pause(5_000)
  listener.close()
  assert.equal(answers, 1)
  const rows = await alice.client.getMessages(conversation_id)
  assert.deepEqual(
    rows.map((row) => row.sender),
    ['bob', 'alice'],
  )
}

async function backlogRunsOnce(server, { backlog, handlerMs, live }) {
  const [alice, bob] = await server.acquainted('alice', 'bob')
  const runs = []
  const expected = []
  const send = async (kind, count) => {
    for (let number = 0; number < count; number += 1) {
      expected.push(`${kind} ${number}`)
      await alice.send('bob', `${kind} ${number}`)
    }
  }
  const handler = async (event) => {
    runs.push(event.payload.content.text)
    await pause(handlerMs)
  }

  await send('waiting', backlog)
  assert.equal(await bob.undelivered(), backlog)
  const listener = await bob.listen(handler)
  await until(() => runs.length > 0, 'the first run')
  await send('live', live)
  const patience = 30_000 + handlerMs * expected.length
  await until(() => new Set(runs).size === expected.length, 'a run for every message', patience)
  await bob.nothingStored(patience)
  await send('last', 1)
  await until(() => runs.includes('last 0'), 'the last message')
  await bob.nothingStored()
  await pause(WATCH_FOR_A_SECOND_RUN_MS)
  assert.equal(listener.connects, 1)
  listener.close()
  assert.deepEqual(runs, expected)
  assert.equal(await bob.undelivered(), 0)
}

async function longHandler(server) {
  const [alice, bob] = await server.acquainted('alice', 'bob')
  const runs = []
  let finished = 0
  const listener = await bob.listen(async (event) => {
    runs.push(event.payload.content.text)
    if (event.payload.content.text === 'think') await pause(40_000)
    finished += 1
  })
  await alice.send('bob', 'think')
  await until(() => finished === 1, 'the end of the long run', 50_000)
  await bob.nothingStored()
  await alice.send('bob', 'and now?')
  await until(() => finished === 2, 'the next message')
  await bob.nothingStored()
  assert.deepEqual(runs, ['think', 'and now?'])
  assert.equal(listener.connects, 1)
  listener.close()
}

describe('traps', { concurrency: 4 }, () => {
  test('a handler of 40 s runs once', withServer(longHandler))
  test('two bots answer each other without a pause', withServer(twoBots))
  for (const arrival of ['live', 'drained']) {
    test(
      `a handler without a sender filter answers once (${arrival})`,
      withServer((server) => answersOnce(server, arrival)),
    )
  }
  for (const live of [0, 20]) {
    for (const [backlog, handlerMs] of [
      [2, 1_000],
      [3, 1_000],
      [6, 1_000],
      [350, 1],
    ]) {
      test(
        `a backlog of ${backlog} with ${live} live messages runs the handler once a message`,
        withServer((server) => backlogRunsOnce(server, { backlog, handlerMs, live })),
      )
    }
  }
})
