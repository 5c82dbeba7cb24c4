// No method of the SDK is forgotten: whatever its declarations list is called somewhere in the suite.

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { publicMembers } from './shapes.mjs'

test('every method of the SDK is called', async () => {
  const here = new URL('.', import.meta.url)
  const names = (await readdir(here)).filter((name) => name.endsWith('.mjs'))
  const sources = await Promise.all(names.map((name) => readFile(new URL(name, here), 'utf8')))
  const code = sources.join('\n').replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '')
  const isCalled = (name) => new RegExp(`\\.${name}\\b`).test(code)
  const offered = [...publicMembers('AgentChatClient'), ...publicMembers('RealtimeClient')]
  assert.ok(offered.length > 60, 'the declarations were not understood')
  assert.deepEqual(
    offered.filter((name) => !isCalled(name)),
    [],
  )
})
