// The main job with the official SDK: two agents register, talk and receive live.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  AgentChatClient,
  AgentChatError,
  AwaitingReplyError,
  NotFoundError,
  RateLimitedError,
  UnauthorizedError,
} from 'agentchatme'
import { Agent, rejection, until, withServer } from './agentchat-server.mjs'
import { Gate } from './gate.mjs'

const numbered = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, index) => `message ${from + index}`)

/** The two steps of a new user, the code read from the mail. */
async function register(server, handle) {
  const email = `${handle}@example.com`
  const baseUrl = server.url
  const { pending_id: pending } = await AgentChatClient.register({
    ...{ email, handle, baseUrl },
    display_name: handle.toUpperCase(),
  })
  const code = await server.mailbox.code(email)
  const wrong = code === '000000' ? '000001' : '000000'
  const refused = await rejection(
    AgentChatClient.verify(pending, wrong, { baseUrl }),
    AgentChatError,
  )
  assert.equal(refused.code, 'INVALID_CODE')
  const verified = await AgentChatClient.verify(pending, code, { baseUrl })
  assert.equal(verified.agent.handle, handle)
  assert.equal(verified.agent.email, email)
  return new Agent(server, handle, verified.apiKey)
}

/** First message, its replay, an unknown recipient, a second cold message. */
async function firstContact(alice) {
  const request = { to: '@bob', content: { text: 'message 1' }, client_msg_id: 'first' }
  const { message } = await alice.client.sendMessage(request)
  assert.deepEqual([message.seq, message.status], [1, 'stored'])
  const replay = await alice.client.sendMessage(request)
  assert.equal(replay.message.id, message.id)
  const unknown = await rejection(alice.send('nobody-here', 'anyone?'), NotFoundError)
  assert.equal(unknown.code, 'AGENT_NOT_FOUND')
  const cold = await rejection(alice.send('bob', 'still there?'), AwaitingReplyError)
  assert.deepEqual([cold.recipientHandle, cold.waitingSince], ['bob', message.created_at])
  return message.conversation_id
}

/** Received in order, acked; a restart; what was sent meanwhile is drained in order. */
async function liveThenRestarted(server, alice, bob) {
  const received = []
  const fromAlice = () =>
    received.filter((row) => row.sender === 'alice').map((row) => row.content.text)
  const gotten = (upTo) => () => fromAlice().join() === numbered(1, upTo).join()
  const gate = await Gate.before(server)
  const listener = await bob.listen((event) => void received.push(event.payload), {
    baseUrl: gate.socketUrl,
  })
  try {
    await until(gotten(1), 'the message from before')
    await bob.send('alice', 'an answer')
    for (const text of numbered(2, 10)) await alice.send('bob', text)
    await until(gotten(10), 'ten messages in order')
    await bob.nothingStored()

    gate.refusing = true
    await server.stop()
    await until(() => listener.disconnects.length > 0, 'the socket is closed')
    assert.equal(listener.disconnects[0].code, 1001)
    await server.start()
    for (const text of numbered(11, 20)) await alice.send('bob', text)
    assert.equal(await bob.undelivered(), 10)
    gate.refusing = false
    await listener.connected(2)
    await until(gotten(20), 'the drained messages in order')
    await bob.nothingStored()
  } finally {
    listener.close()
    gate.close()
  }
  const seqs = received.map((row) => row.seq)
  assert.deepEqual(
    seqs,
    [...new Set(seqs)].sort((one, other) => one - other),
  )
}

async function historyAndConversations(alice, bob, conversation) {
  const seqs = async (options) =>
    (await bob.client.getMessages(conversation, options)).map((row) => row.seq)
  const all = Array.from({ length: 21 }, (_, index) => 21 - index)
  assert.deepEqual(await seqs({ limit: 200 }), all)
  assert.deepEqual(await seqs({ beforeSeq: 4 }), [3, 2, 1])
  assert.deepEqual(await seqs({ afterSeq: 18 }), [19, 20, 21])
  const [tenth] = await bob.client.getMessages(conversation, { beforeSeq: 11, limit: 1 })
  assert.deepEqual(await seqs({ aroundMessageId: tenth.id, limit: 3 }), [10, 9, 8])
  const items = await bob.client.listConversations({ limit: 10 })
  assert.deepEqual(
    items.map((item) => [item.id, item.participants[0].handle, item.unread_count]),
    [[conversation, 'alice', 20]],
  )
  assert.equal(items[0].last_message_preview, 'message 20')
  const context = await bob.client.getConversationContext(conversation)
  assert.equal(context.counterparty.handle, 'alice')
  assert.equal(context.relationship.is_contact, true)
  assert.equal(context.direct_state.state, 'established')
  const participants = await alice.client.getConversationParticipants(conversation)
  assert.equal(participants[0].display_name, 'BOB')
}

async function readAndHide(alice, bob, conversation) {
  const newestOf = async (agent) => (await agent.client.getMessages(conversation, { limit: 1 }))[0]
  const told = []
  const newest = await newestOf(bob)
  const listener = await alice.listen(() => {})
  listener.client.on('message.read', (event) => void told.push(event.payload))
  await bob.client.markAsRead(newest.id)
  await until(() => told.length > 0, 'the sender is told of the reading')
  listener.close()
  assert.deepEqual([told[0].read_by, told[0].through_seq], ['bob', newest.seq])
  assert.equal((await bob.client.listConversations())[0].unread_count, 0)
  assert.equal((await newestOf(alice)).status, 'read')

  await bob.client.deleteMessage(newest.id)
  assert.equal((await newestOf(bob)).seq, newest.seq - 1)
  assert.equal((await newestOf(alice)).id, newest.id)
  await bob.client.hideConversation(conversation)
  assert.deepEqual(await bob.client.listConversations(), [])
  assert.equal((await alice.client.listConversations()).length, 1)
}

/** A new key; the old one dies at once, on the socket too. */
async function rotated(server, bob) {
  const listener = await bob.listen(() => {})
  const pending = await afterCooldown(() => bob.client.rotateKey('bob'))
  const code = await server.mailbox.code('bob@example.com')
  const renewed = await bob.client.rotateKeyVerify('bob', pending.pending_id, code)
  await until(() => listener.disconnects.length > 0, 'the socket of the old key is closed')
  assert.equal(listener.disconnects[0].code, 4403)
  listener.close()
  await rejection(bob.client.getMe(), UnauthorizedError)
  const me = await new Agent(server, 'bob', renewed.api_key).client.getMe()
  assert.equal(me.email, 'bob@example.com')
}

/** A lost key: a new one by mail, the old one dies. */
async function recovered(server, alice) {
  const baseUrl = server.url
  const pending = await AgentChatClient.recover('alice@example.com', { baseUrl })
  const code = await server.mailbox.code('alice@example.com')
  const found = await AgentChatClient.recoverVerify(pending.pending_id, code, { baseUrl })
  assert.equal(found.handle, 'alice')
  assert.equal((await found.client.getMe()).display_name, 'ALICE')
  await rejection(alice.client.getMe(), UnauthorizedError)
}

/** One code a minute and address: the server says how long to wait, and that is enough. */
async function afterCooldown(call) {
  try {
    return await call()
  } catch (error) {
    assert.ok(error instanceof RateLimitedError && error.code === 'OTP_COOLDOWN', String(error))
    await pause(error.retryAfterMs)
    return call()
  }
}

test(
  'from registration to a new key',
  withServer(async (server) => {
    const alice = await register(server, 'alice')
    const bob = await register(server, 'bob')
    const conversation = await firstContact(alice)
    await liveThenRestarted(server, alice, bob)
    await historyAndConversations(alice, bob, conversation)
    await readAndHide(alice, bob, conversation)
    await rotated(server, bob)
    // alice registered before bob, so her minute is over as well.
    await recovered(server, alice)
  }),
)
