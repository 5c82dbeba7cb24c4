// Groups by the official SDK: every method, and the events of its socket. What each method answers
// and each frame says is held against the SDK's declared types by `shapes.mjs`.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AgentChatError, ForbiddenError, GroupDeletedError, NotFoundError } from 'agentchatme'
import { rejection, until, withServer } from './agentchat-server.mjs'
import { fits, systemEvent } from './shapes.mjs'

const roles = (group) => group.members.map(({ handle, role }) => [handle, role])

/** The group's system events that the client can see, oldest first. */
async function said(client, group) {
  const rows = await client.getMessages(group, { afterSeq: 0, limit: 200 })
  return rows.filter((row) => row.type === 'system').map(systemEvent)
}

async function madeOfInvites(server) {
  const agents = await server.agents('alice', 'bob', 'carol', 'dave')
  const [alice, bob, carol, dave] = agents.map((agent) => agent.client)
  const created = await alice.createGroup({
    name: 'ops',
    description: 'keeps things running',
    member_handles: ['@Bob', 'carol', 'bob', 'alice', 'nobody-here'],
    settings: { who_can_invite: 'admin' },
  })
  const { group, add_results: results } = created
  assert.match(group.id, /^grp_/)
  assert.deepEqual([group.name, group.description], ['ops', 'keeps things running'])
  assert.deepEqual([group.created_by, group.your_role, group.member_count], ['alice', 'admin', 1])
  assert.deepEqual(roles(group), [['alice', 'admin']])
  assert.deepEqual(
    results.map(({ handle, outcome }) => [handle, outcome]),
    [
      ['bob', 'invited'],
      ['carol', 'invited'],
    ],
  )
  assert.deepEqual(created.add_errors, [{ handle: 'nobody-here', code: 'AGENT_NOT_FOUND' }])

  const [invitation, ...more] = await bob.listGroupInvites()
  assert.deepEqual(more, [])
  assert.equal(invitation.id, results[0].invite_id)
  assert.deepEqual([invitation.group_id, invitation.inviter_handle], [group.id, 'alice'])
  const joined = await bob.acceptGroupInvite(invitation.id)
  assert.deepEqual([joined.id, joined.your_role, joined.member_count], [group.id, 'member', 2])
  const consumed = await rejection(bob.acceptGroupInvite(invitation.id), NotFoundError)
  assert.equal(consumed.code, 'INVITE_NOT_FOUND')
  const rejected = await carol.rejectGroupInvite(results[1].invite_id)
  assert.deepEqual(rejected, { ok: true, message: 'Invite rejected' })
  await rejection(carol.getGroup(group.id), NotFoundError)

  const first = await alice.addGroupMember(group.id, '@dave')
  assert.equal(first.outcome, 'invited')
  assert.deepEqual(await alice.addGroupMember(group.id, 'dave'), first)
  assert.deepEqual(await alice.addGroupMember(group.id, 'bob'), {
    handle: 'bob',
    outcome: 'already_member',
  })
  await dave.acceptGroupInvite(first.invite_id)
  assert.deepEqual(roles(await alice.getGroup(group.id)), [
    ['alice', 'admin'],
    ['bob', 'member'],
    ['dave', 'member'],
  ])
}

async function rankedRenamedRemoved(server) {
  const [agents, group] = await server.group('alice', 'bob', 'carol')
  const [alice, bob, carol] = agents.map((agent) => agent.client)
  await rejection(bob.updateGroup(group, { name: 'mine' }), ForbiddenError)
  const avatar_url = 'https://example.com/moon.png'
  const changed = await alice.updateGroup(group, {
    ...{ name: 'night ops', description: 'after hours', avatar_url },
  })
  assert.deepEqual([changed.name, changed.avatar_url], ['night ops', avatar_url])
  const cleared = await alice.updateGroup(group, { description: null, avatar_url: null })
  assert.deepEqual(
    [cleared.name, cleared.description, cleared.avatar_url],
    ['night ops', null, null],
  )
  const told = async (call) => (await call).message
  assert.equal(await told(alice.promoteGroupMember(group, 'bob')), 'Member promoted to admin')
  assert.equal(await told(bob.promoteGroupMember(group, '@Carol')), 'Member promoted to admin')
  assert.equal(await told(bob.demoteGroupMember(group, 'carol')), 'Admin demoted to member')
  const plain = await rejection(bob.demoteGroupMember(group, 'carol'), AgentChatError)
  assert.deepEqual([plain.status, plain.code], [400, 'NOT_ADMIN'])
  await rejection(bob.demoteGroupMember(group, 'alice'), ForbiddenError)
  assert.equal(await told(bob.removeGroupMember(group, 'carol')), 'Member removed')
  assert.equal((await rejection(carol.getGroup(group), NotFoundError)).code, 'GROUP_NOT_FOUND')
  const gone = await rejection(alice.removeGroupMember(group, 'carol'), NotFoundError)
  assert.equal(gone.code, 'NOT_MEMBER')
  const events = await said(alice, group)
  assert.deepEqual(
    events.map(({ event, agent_handle, actor_handle }) => [event, agent_handle, actor_handle]),
    [
      ['member_joined', 'bob', undefined],
      ['member_joined', 'carol', undefined],
      ['name_changed', undefined, 'alice'],
      ['description_changed', undefined, 'alice'],
      ['avatar_changed', undefined, 'alice'],
      ['description_changed', undefined, 'alice'],
      ['avatar_changed', undefined, 'alice'],
      ['admin_promoted', 'bob', 'alice'],
      ['admin_promoted', 'carol', 'bob'],
      ['admin_demoted', 'carol', 'bob'],
      ['member_removed', 'carol', 'bob'],
    ],
  )
  assert.equal(events[2].new_name, 'night ops')
}

async function followedByTheOldest(server) {
  const [agents, group] = await server.group('alice', 'bob', 'carol')
  const [alice, bob, carol] = agents.map((agent) => agent.client)
  assert.equal((await carol.leaveGroup(group)).promoted_handle, null)
  assert.equal((await alice.leaveGroup(group)).promoted_handle, 'bob')
  const detail = await bob.getGroup(group)
  assert.deepEqual([detail.created_by, detail.your_role], ['alice', 'admin'])
  const events = await said(bob, group)
  assert.deepEqual(
    events.slice(-3).map(({ event }) => event),
    ['member_left', 'member_left', 'admin_promoted'],
  )
  assert.deepEqual([events.at(-1).agent_handle, events.at(-1).actor_handle], ['bob', null])
  await bob.deleteGroup(group)
  assert.equal((await rejection(carol.getGroup(group), GroupDeletedError)).deletedByHandle, 'bob')
}

async function messages(server) {
  const [agents, group] = await server.group('alice', 'bob', 'carol')
  const [alice, bob, carol] = agents.map((agent) => agent.client)
  const asked = {
    client_msg_id: 'the question',
    conversation_id: group,
    type: 'structured',
    content: { text: '@bob, @Carol: who is on call?', data: { shift: 2 } },
    metadata: { urgent: true },
  }
  const { message: question } = await alice.sendMessage(asked)
  assert.deepEqual([question.sender, question.type], ['alice', 'structured'])
  assert.deepEqual([question.content, question.metadata], [asked.content, asked.metadata])
  assert.deepEqual(question.context.mentions, ['bob', 'carol'])
  assert.deepEqual(question.context.conversation, {
    ...{ type: 'group', group_name: 'ops', member_count: 3 },
  })
  const answer = await agents[1].reply(group, 'me')
  assert.equal(answer.seq, question.seq + 1)
  assert.equal((await alice.sendMessage(asked)).message.id, question.id)
  const rows = await carol.sync()
  assert.deepEqual(
    rows.map((row) => fits(row, 'Message').id),
    [question.id, answer.id],
  )
  assert.deepEqual(await carol.syncAck(rows.at(-1).delivery_id), { acked: 2 })
  const around = await carol.getMessages(group, { aroundMessageId: question.id, limit: 1 })
  assert.equal(around[0].id, question.id)
  const [first] = await carol.getMessages(group, { afterSeq: 0, limit: 1 })
  assert.equal(systemEvent(first).agent_handle, 'carol')

  const [item] = await carol.listConversations()
  assert.deepEqual([item.id, item.type, item.participants], [group, 'group', []])
  assert.deepEqual([item.group_name, item.group_member_count, item.unread_count], ['ops', 3, 2])
  const context = await carol.getConversationContext(group)
  assert.deepEqual(
    [context.group.name, context.group.member_count, context.group.your_role],
    ['ops', 3, 'member'],
  )
  assert.deepEqual([context.counterparty, context.relationship], [null, null])
  assert.deepEqual([context.unread.count, context.unread.newest_seq], [2, answer.seq])
  const people = await carol.getConversationParticipants(group)
  assert.deepEqual(
    people.map(({ handle }) => handle),
    ['alice', 'bob', 'carol'],
  )
  await carol.markAsRead(question.id)
  const status = async () => (await alice.getMessages(group, { limit: 2 }))[1].status
  assert.equal(await status(), 'stored')
  await bob.markAsRead(question.id)
  assert.equal(await status(), 'read')
  await carol.deleteMessage(answer.id)
  assert.equal((await carol.getMessages(group, { limit: 1 }))[0].id, question.id)
  assert.equal((await bob.getMessages(group, { limit: 1 }))[0].id, answer.id)
  await carol.hideConversation(group)
  assert.deepEqual(await carol.listConversations(), [])
}

/** A call of every method that names a group. */
function naming(client, group) {
  return {
    getGroup: () => client.getGroup(group),
    updateGroup: () => client.updateGroup(group, { name: 'again' }),
    deleteGroup: () => client.deleteGroup(group),
    addGroupMember: () => client.addGroupMember(group, 'frank'),
    removeGroupMember: () => client.removeGroupMember(group, 'bob'),
    promoteGroupMember: () => client.promoteGroupMember(group, 'bob'),
    demoteGroupMember: () => client.demoteGroupMember(group, 'bob'),
    leaveGroup: () => client.leaveGroup(group),
    sendMessage: () => client.sendMessage({ conversation_id: group, content: { text: 'anybody?' } }),
    getMessages: () => client.getMessages(group),
    getConversationParticipants: () => client.getConversationParticipants(group),
    getConversationContext: () => client.getConversationContext(group),
    hideConversation: () => client.hideConversation(group),
    muteConversation: () => client.muteConversation(group),
  }
}

async function deletedForEverybody(server) {
  const [agents, group] = await server.group('alice', 'bob', 'carol', 'dave')
  const [alice, bob, carol, dave] = agents.map((agent) => agent.client)
  const { client: stranger } = await server.agent('erin')
  const { invite_id } = await alice.addGroupMember(group, 'erin')
  await dave.leaveGroup(group)
  const { deleted_at } = await alice.deleteGroup(group)
  for (const former of [alice, bob, carol, dave]) {
    for (const [name, call] of Object.entries(naming(former, group))) {
      const error = await rejection(call(), GroupDeletedError)
      assert.deepEqual([error.status, error.code], [410, 'GROUP_DELETED'], name)
      fits(error.details, 'DeletedGroupInfo')
      assert.deepEqual(
        [error.groupId, error.deletedByHandle, error.deletedAt],
        [group, 'alice', deleted_at],
        name,
      )
      assert.ok(error.requestId, name)
    }
  }
  for (const [name, call] of Object.entries(naming(stranger, group))) {
    const { code } = await rejection(call(), NotFoundError)
    assert.ok(['GROUP_NOT_FOUND', 'CONVERSATION_NOT_FOUND'].includes(code), `${name}: ${code}`)
  }
  assert.deepEqual(await stranger.listGroupInvites(), [])
  await rejection(stranger.acceptGroupInvite(invite_id), NotFoundError)
}

async function membersHear(server) {
  const [alice, bob, carol] = await server.agents('alice', 'bob', 'carol')
  const listener = await bob.listen(() => {})
  const created = await alice.client.createGroup({ name: 'ops', member_handles: ['bob'] })
  const group = created.group.id
  const [invitation] = await listener.heard('group.invite.received')
  assert.deepEqual([invitation], await bob.client.listGroupInvites())
  await bob.client.acceptGroupInvite(invitation.id)
  await alice.invite(group, carol)
  await alice.client.updateGroup(group, { name: 'day ops' })
  await alice.client.promoteGroupMember(group, 'bob')
  await carol.client.leaveGroup(group)
  const { deleted_at } = await alice.client.deleteGroup(group)
  const [ended] = await listener.heard('group.deleted')
  assert.deepEqual(ended, { group_id: group, deleted_by_handle: 'alice', deleted_at })
  assert.deepEqual(
    listener.events.slice(-2).map(([type]) => type),
    ['message.new', 'group.deleted'],
  )
  const rows = listener.of('message.new').filter((row) => !row.is_own)
  assert.deepEqual(
    rows.map((row) => [row.seq, systemEvent(row).event]),
    [
      [2, 'member_joined'],
      [3, 'name_changed'],
      [4, 'admin_promoted'],
      [5, 'member_left'],
      [6, 'group_deleted'],
    ],
  )
  await bob.nothingStored()
  assert.deepEqual(listener.gaps, [])
  listener.close()
}

async function onlyTheNotice(server) {
  const [[alice, bob, carol], group] = await server.group('alice', 'bob', 'carol')
  for (let number = 0; number < 5; number += 1) await alice.reply(group, `message ${number}`)
  await bob.client.muteConversation(group)
  await alice.client.deleteGroup(group)
  await until(async () => (await bob.undelivered()) === 1, 'the notice alone waits for bob')
  const listener = await bob.listen(() => {})
  const [notice] = await listener.heard('message.new')
  assert.equal(systemEvent(notice).event, 'group_deleted')
  await bob.nothingStored()
  assert.equal(listener.events.length, 1)
  listener.close()
  const rows = await carol.client.sync()
  assert.deepEqual(
    rows.map((row) => systemEvent(row).actor_handle),
    ['alice'],
  )
}

describe('groups', { concurrency: 4 }, () => {
  test('a group is made of accepted invites', withServer(madeOfInvites))
  test('members are ranked, renamed and removed', withServer(rankedRenamedRemoved))
  test('an admin who leaves is followed by the oldest member', withServer(followedByTheOldest))
  test('messages of a group', withServer(messages))
  test('every method says that a group was deleted', withServer(deletedForEverybody))
  test('members hear what becomes of their group', withServer(membersHear))
  test('who was away finds only the notice of the end', withServer(onlyTheNotice))
})
