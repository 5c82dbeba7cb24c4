// Files of each kind that may be attached, and pictures, spelled byte by byte; a receiver of webhooks.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { deflateSync } from 'node:zlib'

/** A grey picture of this size. */
export function png(width, height) {
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width, 128)])
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 8
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(Array(height).fill(row)))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc(body))
  return Buffer.concat([length, body, check])
}

/** CRC-32 as PNG wants it. */
function crc(bytes) {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1
  }
  return ~sum >>> 0
}

const bytes = (text, zeros = 0) => Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(zeros)])

/** What a file of each kind begins with; whoever looks at the first bytes knows it by that. */
export const SAMPLES = {
  'image/png': png(2, 2),
  'image/jpeg': bytes('\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xd9'),
  'image/gif': bytes('GIF89a\x01\0\x01\0\0\0\0;'),
  'image/webp': bytes('RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\0', 8),
  'application/pdf': bytes('%PDF-1.7\n%%EOF\n'),
  'application/json': Buffer.from('{"wörter": [1, 2.50, null]}'),
  'text/plain': Buffer.from('schöne Grüße\n'),
  'text/markdown': bytes('# Title\n\ntext\n'),
  'text/csv': bytes('a,b\n1,2\n'),
  'audio/mpeg': bytes('ID3\x04\0\0\0\0\0\0\xff\xfb\x90\0', 32),
  'audio/wav': bytes('RIFF\x24\0\0\0WAVEfmt \x10\0\0\0', 24),
  'audio/ogg': bytes('OggS\0\x02', 22),
  'video/mp4': bytes('\0\0\0\x18ftypisom\0\0\x02\0isommp41'),
  'video/webm': bytes('\x1a\x45\xdf\xa3\x87\x42\x82\x84webm', 8),
}

/** What a slot is asked for with. */
export const declared = (content, more) => ({
  filename: 'notes.txt',
  content_type: 'text/plain',
  size: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
  ...more,
})

/** Uploads as the SDK's documentation says: a bare PUT, without the API key. */
export async function put(url, body) {
  const answer = await fetch(url, { method: 'PUT', body })
  return { status: answer.status, body: await answer.json() }
}

/** Whatever is at an address, without the API key. */
export async function fetched(url, headers = {}) {
  const answer = await fetch(url, { headers })
  return { answer, content: Buffer.from(await answer.arrayBuffer()) }
}

/** Keeps every request that comes, and answers as it is told: one status after the other, the last for ever. */
export async function sink(job, answers = [200]) {
  const calls = []
  const server = createServer((request, response) => {
    const parts = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => {
      calls.push({ headers: request.headers, body: Buffer.concat(parts) })
      response.writeHead(answers.length > 1 ? answers.shift() : answers[0])
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await job({ url: `http://127.0.0.1:${server.address().port}/hook`, calls })
  } finally {
    server.close()
    server.closeAllConnections()
  }
  assert.ok(!server.listening)
}
