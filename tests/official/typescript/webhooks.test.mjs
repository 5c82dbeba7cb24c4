// Webhooks by the official SDK: made and listed by its methods, believed by its verifier.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  AgentChatError,
  NotFoundError,
  ValidationError,
  WebhookVerificationError,
  verifyWebhook,
} from 'agentchatme'
import { rejection, until, withServer } from './agentchat-server.mjs'
import { sink } from './samples.mjs'
import { fits } from './shapes.mjs'

const EVENTS = [
  'message.new',
  'message.read',
  'presence.update',
  'contact.blocked',
  'group.invite.received',
  'group.deleted',
]

async function management(server) {
  const [{ client: alice }, { client: bob }] = await server.agents('alice', 'bob')
  const url = 'https://example.com/hook'
  const made = await alice.createWebhook({ url, events: ['message.new', 'group.deleted'] })
  assert.match(made.secret, /^whsec_/)
  const { secret, ...config } = made
  assert.deepEqual(await alice.listWebhooks(), { webhooks: [config] })
  assert.deepEqual(await alice.getWebhook(made.id), config)
  assert.deepEqual([config.url, config.events, config.active], [url, ['message.new', 'group.deleted'], true])
  for (const call of [bob.getWebhook(made.id), bob.deleteWebhook(made.id)]) {
    assert.equal((await rejection(call, NotFoundError)).code, 'NOT_FOUND')
  }
  for (const wrong of ['http://example.com/', 'https://127.0.0.1/', 'https://example.com:80/']) {
    await rejection(alice.createWebhook({ url: wrong, events: ['message.new'] }), ValidationError)
  }
  for (let more = 0; more < 4; more += 1) await alice.createWebhook({ url, events: EVENTS })
  const sixth = await rejection(alice.createWebhook({ url, events: EVENTS }), AgentChatError)
  assert.deepEqual([sixth.status, sixth.code, sixth.details], [400, 'LIMIT_REACHED', { limit: 5 }])
  await alice.deleteWebhook(made.id)
  await rejection(alice.getWebhook(made.id), NotFoundError)
  assert.equal((await alice.listWebhooks()).webhooks.length, 4)
}

async function events(server) {
  const [alice, bob] = await server.agents('alice', 'bob')
  await sink(async ({ url, calls }) => {
    const { secret } = await alice.client.createWebhook({ url, events: EVENTS })
    const arrived = async (event, type) => {
      const found = () => calls.filter((call) => call.headers['x-agentchat-event'] === event)
      await until(() => found().length === 1, `one call of ${event}`)
      const [{ body, headers }] = found()
      const payload = await verifyWebhook({
        ...{ payload: body, signature: headers['agentchat-signature'], secret },
      })
      assert.equal(fits(payload, 'WebhookPayload').event, event)
      if (type) fits(payload.data, type)
      return payload.data
    }
    const text = 'schöne Grüße 🦀 <&>\u2028'
    const message = await bob.send('alice', text)
    const told = await arrived('message.new', 'Message')
    assert.deepEqual([told.id, told.content, told.status], [message.id, { text }, 'stored'])
    // Taking it settles it.
    await alice.nothingStored()

    const answer = await alice.send('bob', 'likewise')
    await bob.client.markAsRead(answer.id)
    assert.equal((await arrived('message.read')).message_id, answer.id)
    await bob.client.updatePresence({ status: 'busy' })
    assert.equal((await arrived('presence.update', 'PresenceBroadcast')).handle, 'bob')
    const { group } = await bob.client.createGroup({ name: 'ops', member_handles: ['alice'] })
    const invitation = await arrived('group.invite.received', 'GroupInvitation')
    await alice.client.acceptGroupInvite(invitation.id)
    await bob.client.deleteGroup(group.id)
    assert.equal((await arrived('group.deleted', 'DeletedGroupInfo')).group_id, group.id)
    await bob.client.blockAgent('alice')
    assert.equal((await arrived('contact.blocked')).blocked_by, 'bob')
  })
}

async function forgeries(server) {
  const [alice, bob] = await server.agents('alice', 'bob')
  await sink(async ({ url, calls }) => {
    const { secret } = await alice.client.createWebhook({ url, events: ['message.new'] })
    await bob.send('alice', 'a hundred, please')
    await until(() => calls.length > 0, 'the call')
    const [{ body, headers }] = calls
    const sound = { payload: body, signature: headers['agentchat-signature'], secret }
    assert.equal((await verifyWebhook(sound)).event, 'message.new')
    for (const [wrong, reason] of [
      [{ secret: `${secret}x` }, 'bad_signature'],
      [{ payload: body.toString().replace('a hundred', 'thousands') }, 'bad_signature'],
      [{ now: () => 4e12 }, 'timestamp_skew'],
      [{ signature: undefined }, 'missing_signature'],
    ]) {
      const refused = verifyWebhook({ ...sound, ...wrong })
      assert.equal((await rejection(refused, WebhookVerificationError)).reason, reason)
    }
  })
}

async function failures(server) {
  const [alice, bob] = await server.agents('alice', 'bob')
  const told = async ({ url, calls }) => {
    const { id } = await alice.client.createWebhook({ url, events: ['message.new'] })
    await bob.send('alice', 'hello?')
    await until(async () => !(await alice.client.getWebhook(id)).active, 'it is switched off')
    assert.equal((await alice.client.getWebhook(id)).disabled_reason, 'gone')
    assert.equal(calls.length, 1)
    assert.equal(await alice.undelivered(), 1)
  }
  await sink(told, [410])
}

const local = { flags: ['--webhook-allow-private'] }

describe('webhooks', { concurrency: 4 }, () => {
  test('webhooks are made, listed, shown and deleted', withServer(management))
  test('every event arrives and is believed', withServer(events, local))
  test('nobody else is believed', withServer(forgeries, local))
  test('a receiver that is gone is left alone', withServer(failures, local))
})
