// Every refusal the SDK has a class for, provoked, and caught by that class with its fields.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  AgentChatClient,
  AgentChatError,
  AwaitingReplyError,
  ConnectionError,
  ForbiddenError,
  NotFoundError,
  RateLimitedError,
  RecipientBackloggedError,
  RestrictedError,
  SuspendedError,
  UnauthorizedError,
  ValidationError,
} from 'agentchatme'
import { Agent, rejection, until, withServer } from './agentchat-server.mjs'

const limits = (...values) => ({ flags: values.flatMap((value) => ['--limit', value]) })

/** The agent's client, which reports what it would otherwise wait for. */
const atOnce = (agent, more = {}) =>
  new AgentChatClient({
    ...{ apiKey: agent.apiKey, baseUrl: agent.server.url },
    retry: { maxRetries: 0, baseDelayMs: 0, maxDelayMs: 0 },
    ...more,
  })

async function cold(server) {
  const [alice, bob] = await server.agents('alice', 'bob')
  const first = await alice.send('Bob', 'hello?')
  const error = await rejection(alice.send('bob', 'are you there?'), AwaitingReplyError)
  assert.deepEqual([error.status, error.code], [403, 'AWAITING_REPLY'])
  assert.deepEqual([error.recipientHandle, error.waitingSince], ['bob', first.created_at])
  await bob.send('alice', 'yes')
  assert.equal((await alice.send('bob', 'good')).seq, 3)
}

async function fullInbox(server) {
  const [[alice, bob, carol], group] = await server.group('alice', 'bob', 'carol')
  await bob.send('alice', 'tell me everything')
  const warnings = []
  const onBacklogWarning = (warning) => void warnings.push(warning)
  const careful = atOnce(alice, { onBacklogWarning })
  const send = (text) => careful.sendMessage({ to: 'bob', content: { text } })
  for (let number = 0; number < 4; number += 1) {
    const { backlogWarning } = await send(`thing ${number}`)
    const expected = number < 2 ? null : { recipientHandle: 'bob', undeliveredCount: number }
    assert.deepEqual(backlogWarning, expected)
  }
  assert.equal(warnings.length, 2)
  const error = await rejection(send('one thing more'), RecipientBackloggedError)
  assert.deepEqual([error.status, error.code], [429, 'RECIPIENT_BACKLOGGED'])
  assert.deepEqual([error.recipientHandle, error.undeliveredCount], ['bob', 4])
  const message = await alice.reply(group, 'for everybody with room')
  assert.deepEqual(message.skipped_recipients, ['bob'])
  assert.equal(await bob.undelivered(), 4)
  assert.deepEqual(await carol.takeAll(), ['for everybody with room'])
  assert.equal((await bob.client.getMessages(group, { limit: 1 }))[0].id, message.id)
}

async function restrictedThenSuspended(server) {
  const [eve, ...others] = await server.agents('eve', 'ann', 'ben', 'cal', 'dan')
  for (const other of others) await eve.send(other.handle, 'an offer')
  const [ann, ben, cal, dan] = others.map((other) => other.client)
  await others[3].send('eve', 'what offer?')
  await ann.blockAgent('eve')
  await ben.blockAgent('eve')
  assert.equal((await eve.client.getMe()).status, 'restricted')
  await server.agent('fay')
  const restricted = await rejection(eve.send('fay', 'an offer'), RestrictedError)
  assert.deepEqual([restricted.status, restricted.code], [403, 'RESTRICTED'])
  await eve.send('dan', 'this one')
  const listener = await eve.listen(() => {})
  for (const other of [ann, ben, cal]) await other.reportAgent('eve', 'unasked offers')
  await until(() => listener.disconnects.length > 0, 'the socket is closed')
  assert.equal(listener.disconnects[0].code, 4403)
  await until(() => listener.errors.length > 0, 'the SDK says that it stays away')
  listener.close()
  const suspended = await rejection(eve.client.listConversations(), SuspendedError)
  assert.deepEqual([suspended.status, suspended.code], [403, 'SUSPENDED'])
  assert.equal(suspended.details.reason, 'community_enforcement')
  assert.equal((await eve.client.getMe()).status, 'suspended')
  await rejection(dan.getAgent('eve'), NotFoundError)
}

async function rateLimits(server) {
  const [alice, bob] = await server.agents('alice', 'bob', 'carol', 'dave')
  const limited = atOnce(alice)
  const { group } = await limited.createGroup({ name: 'ops' })
  await alice.invite(group.id, bob)
  await alice.send('carol', 'hello')
  for (const [call, reason, limit, window] of [
    [() => limited.createGroup({ name: 'ops' }), 'group_create', 1, 3600],
    [() => limited.addGroupMember(group.id, 'carol'), 'group_invite', 1, 86_400],
    [() => limited.sendMessage({ to: 'dave', content: { text: 'x' } }), 'cold_outreach_cap', 1, 86_400],
  ]) {
    const error = await rejection(call(), RateLimitedError)
    assert.deepEqual([error.status, error.code], [429, 'RATE_LIMITED'])
    const { details, retryAfterMs } = error
    assert.deepEqual([details.reason, details.limit, details.window_s], [reason, limit, window])
    assert.ok(retryAfterMs >= 1000 && retryAfterMs <= window * 1000, `${reason}: ${retryAfterMs}`)
    assert.ok(retryAfterMs - details.retry_after_ms < 1000)
  }
  // A send is safe to repeat, so the SDK itself waits as long as it is told to.
  const texts = ['one', 'two', 'three', 'four', 'five']
  for (const text of texts) await bob.reply(group.id, text)
  assert.deepEqual(
    (await alice.takeAll()).filter((text) => text !== undefined),
    texts,
  )
}

async function validation(server) {
  const [{ client: alice }] = await server.agents('alice', 'bob')
  for (const [call, field] of [
    [() => alice.createGroup({ name: ' ' }), 'name'],
    [() => alice.createGroup({ name: 'ops', member_handles: 'bob' }), 'member_handles'],
    [() => alice.updatePresence({ status: 'asleep' }), 'status'],
    [() => alice.listContacts({ limit: -1 }), 'limit'],
    [() => alice.sendMessage({ to: 'bob', content: {} }), 'content'],
    [() => alice.muteAgent('bob', { mutedUntil: '2020-01-01T00:00:00Z' }), 'muted_until'],
    [() => alice.searchAgents(''), 'q'],
  ]) {
    const { status, code, details, requestId } = await rejection(call(), ValidationError)
    assert.deepEqual([status, code], [400, 'VALIDATION_ERROR'])
    assert.ok(requestId && Array.isArray(details.formErrors))
    assert.deepEqual(Object.keys(details.fieldErrors), [field])
  }
}

async function forbiddenAndAbsent(server) {
  const [[{ client: alice }, { client: bob }], group] = await server.group('alice', 'bob')
  for (const call of [
    () => bob.deleteGroup(group),
    () => bob.addGroupMember(group, 'carol'),
    () => bob.removeGroupMember(group, 'alice'),
    () => alice.deleteAgent('nobody-here'),
    () => alice.rotateKey('bob'),
  ]) {
    const { status, code } = await rejection(call(), ForbiddenError)
    assert.deepEqual([status, code], [403, 'FORBIDDEN'])
  }
  const nothing = 'grp_01KF0FV2EWF5WA0HM5ZD1QSCP7'
  for (const [call, expected] of [
    [() => alice.getGroup(nothing), 'GROUP_NOT_FOUND'],
    [() => alice.getMessages(nothing), 'CONVERSATION_NOT_FOUND'],
    [() => alice.markAsRead('msg_x'), 'MESSAGE_NOT_FOUND'],
    [() => alice.promoteGroupMember(group, 'nobody-here'), 'AGENT_NOT_FOUND'],
    [() => alice.rejectGroupInvite('inv_x'), 'INVITE_NOT_FOUND'],
  ]) {
    const { status, code } = await rejection(call(), NotFoundError)
    assert.deepEqual([status, code], [404, expected])
  }
  const stranger = new Agent(server, 'alice', `ac_live_${'0'.repeat(49)}`)
  await rejection(stranger.client.listGroupInvites(), UnauthorizedError)
  await server.stop()
  await rejection(atOnce(stranger).getMe(), ConnectionError)
}

async function emails(server) {
  const email = 'crew@example.com'
  const first = await server.agent('ann', email)
  await server.agent('ben', email)
  const register = () =>
    AgentChatClient.register({ email, handle: 'dan', baseUrl: server.url })
  const living = await rejection(register(), AgentChatError)
  assert.deepEqual([living.code, living.details.limit], ['EMAIL_LIMIT_REACHED', 2])
  const options = { baseUrl: server.url }
  const pending = await AgentChatClient.recover(email, options)
  const code = await server.mailbox.code(email)
  const verified = AgentChatClient.recoverVerify(pending.pending_id, code, options)
  const several = await rejection(verified, AgentChatError)
  assert.deepEqual([several.code, several.details.handles], ['HANDLE_REQUIRED', ['ann', 'ben']])
  await first.client.deleteAgent('ann')
  const cal = await server.agent('cal', email)
  await cal.client.deleteAgent('cal')
  const ever = await rejection(register(), AgentChatError)
  assert.deepEqual([ever.code, ever.details.limit], ['EMAIL_EXHAUSTED', 3])
}

async function idempotency(server) {
  const agents = await server.agents('alice', 'bob', 'carol')
  const [alice, bob, carol] = agents.map((agent) => agent.client)
  /** What is asked for again under the same key is only told again. */
  const twice = async (client, idempotencyKey, method, ...args) => {
    const first = await client[method](...args, { idempotencyKey })
    assert.deepEqual(await client[method](...args, { idempotencyKey }), first)
    return first
  }
  const wanted = { name: 'ops', member_handles: ['bob', 'carol'] }
  const created = await twice(alice, 'create-group-1', 'createGroup', wanted)
  assert.equal((await alice.listConversations()).length, 1)
  const group = created.group.id
  const [forBob, forCarol] = created.add_results.map(({ invite_id }) => invite_id)
  await twice(bob, 'accept-invite-1', 'acceptGroupInvite', forBob)
  await twice(carol, 'reject-invite-1', 'rejectGroupInvite', forCarol)
  // Each of these fails when it is done a second time.
  for (const [method, ...args] of [
    ['promoteGroupMember', group, 'bob'],
    ['demoteGroupMember', group, 'bob'],
    ['removeGroupMember', group, 'bob'],
    ['reportAgent', 'bob', 'rude'],
    ['unblockAgent', 'bob'],
    ['deleteGroup', group],
  ]) {
    await twice(alice, `once-${method}`, method, ...args)
  }
  const key = { idempotencyKey: 'create-group-1' }
  const other = await rejection(alice.createGroup({ name: 'else' }, key), AgentChatError)
  assert.deepEqual([other.status, other.code], [422, 'IDEMPOTENCY_KEY_CONFLICT'])
  const short = { idempotencyKey: 'no' }
  const malformed = await rejection(alice.createGroup({ name: 'else' }, short), AgentChatError)
  assert.deepEqual([malformed.status, malformed.code], [400, 'IDEMPOTENCY_KEY_INVALID'])
  // Keys are everybody's own.
  assert.equal((await bob.createGroup({ name: 'else' }, key)).group.name, 'else')
}

describe('refusals', { concurrency: 4 }, () => {
  test('a cold conversation waits for its answer', withServer(cold))
  const full = limits('backlog_warn=2', 'backlog_hard=4')
  test('a full inbox refuses and is skipped by groups', withServer(fullInbox, full))
  const strict = limits('restrict_blocks=2', 'suspend_reports=3')
  test(
    'an agent many block is restricted and then suspended',
    withServer(restrictedThenSuspended, strict),
  )
  const few = ['group_create=1/3600', 'group_invite=1/86400', 'cold_cap=1', 'group_send=3/1']
  test('a rate limit says how long to wait', withServer(rateLimits, limits(...few)))
  test('what is wrong with a request is named', withServer(validation))
  test('who may not, and what is not there', withServer(forbiddenAndAbsent))
  const capped = limits('emails_live=2', 'emails_lifetime=3')
  test('an e-mail backs only so many agents', withServer(emails, capped))
  test('a call under a key happens once', withServer(idempotency))
})
