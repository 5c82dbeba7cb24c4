// Attachments and avatars by the official SDK.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ALLOWED_ATTACHMENT_MIME,
  AgentChatError,
  BlockedError,
  ForbiddenError,
  GroupDeletedError,
  MAX_ATTACHMENT_SIZE,
  NotFoundError,
  ValidationError,
} from 'agentchatme'
import { rejection, withServer } from './agentchat-server.mjs'
import { SAMPLES, declared, fetched, png, put } from './samples.mjs'
import { fits, systemEvent } from './shapes.mjs'

const NOTES = Buffer.from('was heißt das?\n')

async function uploaded(client, content, more) {
  const slot = fits(await client.createUpload(declared(content, more)), 'CreateUploadResponse')
  assert.equal(slot.expires_in, 7200)
  const { status, body } = await put(slot.upload_url, content)
  assert.deepEqual([status, body], [200, { ok: true, attachment_id: slot.attachment_id }])
  return slot.attachment_id
}

async function toAnAgent(server) {
  const [alice, bob, carol] = await server.agents('alice', 'bob', 'carol')
  const early = await alice.client.createUpload(declared(NOTES, { to: '@Bob' }))
  const missing = bob.client.getAttachmentDownloadUrl(early.attachment_id)
  assert.equal((await rejection(missing, NotFoundError)).code, 'NOT_FOUND')
  const attachment = await uploaded(alice.client, NOTES, { to: 'bob', filename: 'nötes 1.txt' })
  const content = { attachment_id: attachment }
  const { message } = await alice.client.sendMessage({ to: 'bob', type: 'file', content })
  assert.deepEqual(fits(message, 'Message').content, content)
  const [row] = await bob.client.sync()
  assert.deepEqual(row.content, content)
  const [listed] = await bob.client.listConversations()
  assert.equal(listed.last_message_preview, 'Attachment')
  for (const reader of [alice, bob]) {
    const url = await reader.client.getAttachmentDownloadUrl(attachment)
    assert.ok(url.startsWith(server.url), url)
    const file = await fetched(url)
    assert.deepEqual([file.answer.status, file.content], [200, NOTES])
    const told = (name) => file.answer.headers.get(name)
    assert.equal(told('content-type'), 'text/plain')
    assert.equal(told('content-disposition'), "attachment; filename*=UTF-8''n%C3%B6tes%201.txt")
    const part = await fetched(url, { Range: 'bytes=4-8' })
    assert.deepEqual([part.answer.status, part.content], [206, NOTES.subarray(4, 9)])
  }
  await rejection(carol.client.getAttachmentDownloadUrl(attachment), NotFoundError)
}

async function toAGroup(server) {
  const [[alice, bob], group] = await server.group('alice', 'bob')
  const carol = await server.agent('carol')
  const request = declared(NOTES, { conversation_id: group })
  const stranger = await rejection(carol.client.createUpload(request), NotFoundError)
  assert.equal(stranger.code, 'GROUP_NOT_FOUND')
  const attachment = await uploaded(bob.client, NOTES, { conversation_id: group })
  const content = { text: 'see there', attachment_id: attachment }
  await bob.client.sendMessage({ conversation_id: group, content })
  const [row] = await alice.client.sync()
  const url = await alice.client.getAttachmentDownloadUrl(row.content.attachment_id)
  assert.deepEqual((await fetched(url)).content, NOTES)
  await rejection(carol.client.getAttachmentDownloadUrl(attachment), NotFoundError)
  await alice.invite(group, carol)
  assert.ok(await carol.client.getAttachmentDownloadUrl(attachment))
  await alice.client.deleteGroup(group)
  const ended = carol.client.getAttachmentDownloadUrl(attachment)
  assert.equal((await rejection(ended, GroupDeletedError)).deletedByHandle, 'alice')
}

async function refusals(server) {
  const [{ client: alice }, { client: bob }, { client: carol }] = await server.agents(
    ...['alice', 'bob', 'carol'],
  )
  const forCarol = await uploaded(alice, NOTES, { to: 'carol' })
  const { attachment_id: empty } = await alice.createUpload(declared(NOTES, { to: 'bob' }))
  for (const [attachment_id, code] of [
    [forCarol, 'ATTACHMENT_WRONG_SCOPE'],
    [empty, 'ATTACHMENT_NOT_READY'],
  ]) {
    const send = alice.sendMessage({ to: 'bob', content: { attachment_id } })
    const error = await rejection(send, AgentChatError)
    assert.deepEqual([error.status, error.code], [400, code])
  }
  const foreign = carol.sendMessage({ to: 'alice', content: { attachment_id: forCarol } })
  assert.equal((await rejection(foreign, NotFoundError)).code, 'ATTACHMENT_NOT_FOUND')
  await bob.blockAgent('carol')
  await rejection(carol.createUpload(declared(NOTES, { to: 'bob' })), BlockedError)
  const slot = await alice.createUpload(declared(NOTES, { to: 'bob' }))
  for (const [content, field] of [
    [Buffer.concat([NOTES, NOTES]), 'size'],
    [Buffer.from(NOTES).reverse(), 'sha256'],
  ]) {
    const { status, body } = await put(slot.upload_url, content)
    assert.deepEqual([status, body.code, body.details], [400, 'ATTACHMENT_MISMATCH', { field }])
  }
  const forged = await put(`${slot.upload_url}0`, NOTES)
  assert.deepEqual([forged.status, forged.body.code], [403, 'UPLOAD_URL_INVALID'])
  assert.equal((await put(slot.upload_url, NOTES)).status, 200)
  const largest = declared(NOTES, { to: 'bob', size: MAX_ATTACHMENT_SIZE })
  assert.ok((await alice.createUpload(largest)).attachment_id)
  const larger = alice.createUpload({ ...largest, size: MAX_ATTACHMENT_SIZE + 1 })
  const { details } = await rejection(larger, ValidationError)
  assert.deepEqual(Object.keys(details.fieldErrors), ['size'])
}

async function kinds(server) {
  assert.deepEqual(Object.keys(SAMPLES).sort(), [...ALLOWED_ATTACHMENT_MIME].sort())
  const [alice, bob] = await server.agents('alice', 'bob')
  for (const kind of ALLOWED_ATTACHMENT_MIME) {
    const sample = SAMPLES[kind]
    const attachment = await uploaded(alice.client, sample, { content_type: kind, to: 'bob' })
    const file = await fetched(await bob.client.getAttachmentDownloadUrl(attachment))
    assert.deepEqual([file.content, file.answer.headers.get('content-type')], [sample, kind])
  }
}

async function ownPicture(server) {
  const [{ client: alice }, { client: bob }] = await server.agents('alice', 'bob')
  await rejection(alice.removeAvatar('alice'), NotFoundError)
  const made = await alice.setAvatar('@Alice', png(300, 200))
  const again = await alice.setAvatar('alice', new Blob([png(300, 200)]), { contentType: 'image/png' })
  assert.deepEqual(again, made)
  assert.equal(made.avatar_url, `${server.url}/avatars/${made.avatar_key}`)
  const picture = await fetched(made.avatar_url)
  assert.equal(picture.answer.headers.get('content-type'), 'image/webp')
  assert.equal(picture.content.toString('latin1', 8, 12), 'WEBP')
  assert.equal((await bob.getAgent('alice')).avatar_url, made.avatar_url)
  await rejection(bob.setAvatar('alice', png(300, 200)), ForbiddenError)
  const small = await rejection(alice.setAvatar('alice', png(127, 200)), AgentChatError)
  assert.deepEqual([small.status, small.code, small.details], [400, 'IMAGE_TOO_SMALL', { min: 128 }])
  assert.deepEqual(await alice.removeAvatar('alice'), { ok: true })
  assert.equal((await alice.getMe()).avatar_url, null)
}

async function groupPicture(server) {
  const [[{ client: alice }, { client: bob }], group] = await server.group('alice', 'bob')
  await rejection(bob.setGroupAvatar(group, png(200, 200)), ForbiddenError)
  const made = await alice.setGroupAvatar(group, new Uint8Array(png(200, 200)).buffer)
  const [row] = await bob.sync()
  assert.equal(systemEvent(row).event, 'avatar_changed')
  assert.equal((await bob.getGroup(group)).avatar_url, made.avatar_url)
  assert.equal((await bob.listConversations())[0].group_avatar_url, made.avatar_url)
  assert.deepEqual(await alice.removeGroupAvatar(group), { ok: true })
  await rejection(alice.removeGroupAvatar(group), NotFoundError)
  assert.equal((await bob.getGroup(group)).avatar_url, null)
}

describe('files', { concurrency: 4 }, () => {
  test('a file goes to an agent', withServer(toAnAgent))
  test('a file goes to a group', withServer(toAGroup))
  test('files are for whom and what was declared', withServer(refusals))
  test('every kind the SDK knows is taken', withServer(kinds))
  test('an agent has a picture', withServer(ownPicture))
  test('a group has a picture', withServer(groupPicture))
})
