// Accounts, contacts, blocks, reports, mutes, presence, typing and the directory by the official SDK.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import {
  AgentChatError,
  BlockedError,
  ForbiddenError,
  NotFoundError,
  UnauthorizedError,
  ValidationError,
  renderMessageContext,
} from 'agentchatme'
import { rejection, until, withServer } from './agentchat-server.mjs'
import { fits } from './shapes.mjs'

const handles = (rows) => rows.map(({ handle }) => handle)

async function collected(generator) {
  const rows = []
  for await (const row of generator) rows.push(row)
  return rows
}

async function accounts(server) {
  const [{ client: alice }, { client: bob }] = await server.agents('alice', 'bob')
  const own = await alice.getMe()
  assert.deepEqual([own.handle, own.email, own.status], ['alice', 'alice@example.com', 'active'])
  const settings = { inbox_mode: 'contacts_only', group_invite_policy: 'contacts_only' }
  const changed = await alice.updateAgent('@Alice', { display_name: 'Alice A.', settings })
  assert.deepEqual(fits(changed, 'Agent').settings, settings)
  assert.equal((await bob.getAgent('@alice')).display_name, 'Alice A.')
  const closed = await rejection(
    bob.sendMessage({ to: 'alice', content: { text: 'may I?' } }),
    ForbiddenError,
  )
  assert.deepEqual([closed.code, closed.details], ['INBOX_RESTRICTED', { handle: 'alice' }])
  await alice.addContact('bob')
  await bob.sendMessage({ to: 'alice', content: { text: 'now I may' } })
  await alice.deleteAgent('alice')
  await rejection(alice.getMe(), UnauthorizedError)
  assert.equal((await rejection(bob.getAgent('alice'), NotFoundError)).code, 'AGENT_NOT_FOUND')
}

async function contacts(server) {
  const names = ['alice', 'ben', 'bob', 'carol', 'cleo', 'dave']
  const [{ client: alice }] = await server.agents(...names)
  const added = fits(await alice.addContact('@Bob'), 'Contact')
  assert.deepEqual([added.handle, added.status, added.notes], ['bob', 'active', null])
  await alice.updateContactNotes('bob', 'answers at night')
  assert.deepEqual(await alice.addContact('bob'), { ...added, notes: 'answers at night' })
  assert.deepEqual(await alice.checkContact('bob'), {
    ...{ is_contact: true, added_at: added.added_at, notes: 'answers at night' },
  })
  const nobody = { is_contact: false, added_at: null, notes: null }
  assert.deepEqual(await alice.checkContact('nobody-here'), nobody)
  await alice.updateContactNotes('bob', null)
  assert.equal((await alice.checkContact('bob')).notes, null)
  for (const name of ['dave', 'carol', 'ben', 'cleo']) await alice.addContact(name)
  const page = await alice.listContacts({ limit: 2, offset: 1 })
  assert.deepEqual([handles(page.contacts), page.total, page.limit], [['bob', 'carol'], 5, 2])
  for (const contact of page.contacts) fits(contact, 'Contact')
  const everybody = names.slice(1)
  assert.deepEqual(handles(await collected(alice.contacts({ pageSize: 2 }))), everybody)
  const three = await collected(alice.contacts({ pageSize: 2, max: 3 }))
  assert.deepEqual(handles(three), everybody.slice(0, 3))
  await alice.removeContact('ben')
  assert.equal((await rejection(alice.removeContact('ben'), NotFoundError)).code, 'NOT_FOUND')
  await rejection(alice.addContact('alice'), ValidationError)
}

async function blocksAndReports(server) {
  const [one, other, conversation] = await server.acquainted('alice', 'bob')
  const [alice, bob] = [one.client, other.client]
  const { client: carol } = await server.agent('carol')
  await bob.blockAgent('@alice')
  await bob.blockAgent('alice')
  const { group } = await alice.createGroup({ name: 'ops' })
  for (const call of [
    () => one.send('bob', 'why?'),
    () => one.reply(conversation, 'why?'),
    () => other.send('alice', 'you know why'),
    () => alice.addGroupMember(group.id, 'bob'),
  ]) {
    const blocked = await rejection(call(), BlockedError)
    assert.deepEqual([blocked.status, blocked.code], [403, 'BLOCKED'])
  }
  await bob.unblockAgent('alice')
  await rejection(bob.unblockAgent('alice'), NotFoundError)
  await one.send('bob', 'thank you')
  await rejection(bob.blockAgent('bob'), ValidationError)

  await bob.reportAgent('alice', 'sells what nobody wants')
  await carol.reportAgent('alice')
  await rejection(one.send('bob', 'buy this'), BlockedError)
  const twice = await rejection(bob.reportAgent('alice'), AgentChatError)
  assert.deepEqual([twice.status, twice.code], [409, 'ALREADY_REPORTED'])
}

async function mutes(server) {
  const [{ client: alice }, , conversation] = await server.acquainted('alice', 'bob')
  const { id } = await alice.getMe()
  assert.equal(await alice.getAgentMuteStatus('bob'), null)
  assert.equal(await alice.getConversationMuteStatus(conversation), null)
  const mutedUntil = new Date(Date.now() + 3_600_000).toISOString()
  const mute = await alice.muteAgent('@Bob', { mutedUntil })
  assert.deepEqual(
    [mute.muter_agent_id, mute.target_kind, mute.target_id, mute.muted_until],
    [id, 'agent', 'bob', mutedUntil],
  )
  assert.equal((await alice.listConversations())[0].is_muted, true)
  assert.equal((await alice.muteConversation(conversation)).muted_until, null)
  const { mutes: all } = await alice.listMutes()
  assert.deepEqual(all.map(({ target_id }) => target_id).sort(), ['bob', conversation].sort())
  const { mutes: agents } = await alice.listMutes({ kind: 'agent' })
  assert.deepEqual(agents, [await alice.getAgentMuteStatus('bob')])
  const { mutes: rooms } = await alice.listMutes({ kind: 'conversation' })
  assert.deepEqual(rooms, [await alice.getConversationMuteStatus(conversation)])
  await alice.unmuteAgent('bob')
  await alice.unmuteConversation(conversation)
  assert.deepEqual(await alice.listMutes(), { mutes: [] })
  await rejection(alice.unmuteAgent('bob'), NotFoundError)
  await rejection(alice.unmuteConversation(conversation), NotFoundError)
  const itself = await rejection(alice.muteAgent('alice'), AgentChatError)
  assert.deepEqual([itself.status, itself.code], [400, 'SELF_MUTE'])
}

async function directory(server) {
  const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => `scout-${letter}`)
  const [{ client: alice }] = await server.agents('alice', ...names, 'scribe')
  await alice.addContact('scout-b')
  const page = await alice.searchAgents('@Scout', { limit: 2, offset: 1 })
  assert.deepEqual([page.total, page.limit, page.offset], [5, 2, 1])
  assert.deepEqual(
    page.agents.map((row) => [fits(row, 'AgentProfile').handle, row.in_contacts]),
    [
      ['scout-b', true],
      ['scout-c', false],
    ],
  )
  const everybody = await collected(alice.searchAgentsAll('sc', { pageSize: 2 }))
  assert.deepEqual(handles(everybody), [...names, 'scribe'])
  const some = await collected(alice.searchAgentsAll('scout', { pageSize: 2, max: 3 }))
  assert.deepEqual(handles(some), names.slice(0, 3))
}

async function presence(server) {
  const [alice, bob, carol] = await server.agents('alice', 'bob', 'carol')
  await alice.client.addContact('bob')
  const own = await bob.client.updatePresence({ status: 'busy', custom_message: 'batch run' })
  assert.deepEqual([own.handle, own.status, own.custom_message], ['bob', 'busy', 'batch run'])
  assert.ok(own.last_seen)
  assert.equal((await alice.client.getPresence('@Bob')).status, 'busy')
  await rejection(carol.client.getPresence('bob'), NotFoundError)
  const { presences } = await alice.client.getPresenceBatch(['@Bob', 'carol', 'nobody-here', 'bob'])
  assert.deepEqual(
    presences.map(({ handle, status }) => [handle, status]),
    [
      ['bob', 'busy'],
      ['carol', 'offline'],
      ['nobody-here', 'offline'],
    ],
  )
  await bob.client.updatePresence({ status: 'offline' })

  const watching = await alice.listen(() => {})
  const stranger = await carol.listen(() => {})
  const seen = (status, message) => {
    const wanted = { handle: 'bob', status, custom_message: message }
    const newest = () => watching.of('presence.update').at(-1)
    return until(() => isDeepStrictEqual(newest(), wanted), `bob is seen ${status}`)
  }
  const subject = await bob.listen(() => {})
  // Said within its time, the last word about oneself holds when one connects.
  const status = 'online'
  subject.client.send({ type: 'presence.update', payload: { status, custom_message: 'back' } })
  await seen('online', 'back')
  subject.close()
  await seen('offline', null)
  assert.deepEqual(stranger.of('presence.update'), [])
  for (const listener of [watching, stranger]) listener.close()
}

async function typingAndReading(server) {
  const [[alice, bob, carol], group] = await server.group('alice', 'bob', 'carol')
  const [writer, reader, muting] = [
    await alice.listen(() => {}),
    await bob.listen(() => {}),
    await carol.listen(() => {}),
  ]
  assert.ok(writer.client.isConnected)
  await carol.client.muteAgent('alice')
  const told = { conversation_id: group, sender: 'alice' }
  writer.client.sendTypingStart(group)
  assert.deepEqual(await reader.heard('typing.start'), [told])
  writer.client.sendTypingStop(group)
  assert.deepEqual(await reader.heard('typing.stop'), [told])
  const first = await alice.reply(group, 'done')
  const second = await bob.reply(group, 'so I see')
  // What comes to everybody shows that nothing is on its way any more.
  await muting.heard('message.new')
  assert.deepEqual(writer.of('typing.start'), [])
  assert.deepEqual(muting.of('typing.start'), [])

  muting.client.sendReadAck(group, second.seq)
  for (const [listener, message] of [
    [writer, first],
    [reader, second],
  ]) {
    const [read] = await listener.heard('message.read')
    assert.deepEqual([read.message_id, read.read_by], [message.id, 'carol'])
    assert.deepEqual([read.seq, read.through_seq], [message.seq, message.seq])
  }
  for (const listener of [writer, reader, muting]) listener.close()
}

async function warned(server) {
  const [[alice, bob], group] = await server.group('alice', 'bob')
  const listener = await alice.listen(() => {})
  for (let number = 0; number < 9; number += 1) await alice.reply(group, `message ${number}`)
  const [warning] = await listener.heard('rate_limit.warning')
  assert.deepEqual([warning.endpoint, warning.limit], ['POST /v1/messages', 10])
  assert.ok(warning.remaining < 2)
  listener.close()
  assert.equal(await bob.undelivered(), 9)
}

async function desk(server) {
  const alice = await server.agent('alice')
  const listener = await alice.listen(() => {})
  const [welcome] = await listener.heard('message.new')
  assert.deepEqual([welcome.sender, welcome.context.sender.kind], ['chatfather', 'system'])
  assert.match(renderMessageContext(welcome).split('\n')[0], /\(@chatfather\), a system agent$/)
  const answers = () => listener.of('message.new').filter((row) => !row.is_own)
  for (const [index, text] of ['/help', '/report bug the SDK met a bug'].entries()) {
    await alice.send('chatfather', text)
    await until(() => answers().length === index + 2, `an answer to ${text}`)
  }
  assert.match(answers()[1].content.text, /\/report/)
  assert.match(answers()[2].content.text, /esc_/)
  await alice.nothingStored()
  assert.deepEqual(listener.gaps, [])
  listener.close()
  for (const method of ['blockAgent', 'reportAgent']) {
    const kept = await rejection(alice.client[method]('chatfather'), AgentChatError)
    assert.deepEqual([kept.status, kept.code], [409, 'SYSTEM_AGENT_PROTECTED'])
  }
}

describe('people', { concurrency: 4 }, () => {
  test('an account is shown, changed and deleted', withServer(accounts))
  test('contacts', withServer(contacts))
  test('blocks and reports', withServer(blocksAndReports))
  test('mutes', withServer(mutes))
  test('the directory finds by the start of a handle', withServer(directory))
  test('presence is for oneself and contacts', withServer(presence))
  test('typing and reading reach the other members', withServer(typingAndReading))
  const few = { flags: ['--limit', 'send=10/60'] }
  test('a sender is warned before its budget ends', withServer(warned, few))
  test('the system agent welcomes and answers', withServer(desk, { systemAgent: true }))
})
