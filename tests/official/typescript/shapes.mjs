// The SDK's own declarations as a measure: what each of its methods answers is held against the type
// that `index.d.ts` promises, and what its sockets hear against the types it exports.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import * as sdk from 'agentchatme'

const declarations = join(
  dirname(createRequire(import.meta.url).resolve('agentchatme')),
  'index.d.ts',
)
const program = ts.createProgram([declarations], {
  strict: true,
  lib: ['lib.es2022.d.ts'],
  types: [],
})
const checker = program.getTypeChecker()
const exported = new Map(
  checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(declarations)))
    .map((symbol) => [symbol.name, resolved(symbol)]),
)

function resolved(symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

/** Fails when the value is not of the exported type, and says where. Returns the value. */
export function fits(value, name) {
  const symbol = exported.get(name)
  assert.ok(symbol, `the SDK exports no type ${name}`)
  return conforms(value, checker.getDeclaredTypeOfSymbol(symbol), name)
}

/** Names of the public methods and properties of an exported class, its static ones included. */
export function publicMembers(className) {
  const declaration = exported.get(className).valueDeclaration
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected
  return declaration.members
    .filter((member) => ts.isMethodDeclaration(member) || ts.isGetAccessor(member))
    .filter((member) => !(ts.getCombinedModifierFlags(member) & hidden))
    .map((member) => member.name.text)
}

function conforms(value, type, path) {
  const fault = mismatch(value, type, path)
  assert.ok(!fault, `${fault} in ${JSON.stringify(value)}`)
  return value
}

const PRIMITIVES = [
  [ts.TypeFlags.String, 'string'],
  [ts.TypeFlags.Number, 'number'],
  [ts.TypeFlags.Boolean, 'boolean'],
  [ts.TypeFlags.Undefined, 'undefined'],
]
// What is declared to answer nothing may answer anything.
const UNTOLD = ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.Void

/** What is wrong with the value, or undefined. */
function mismatch(value, type, path) {
  if (type.flags & UNTOLD) return undefined
  if (type.isUnion()) return mismatchOfUnion(value, type, path)
  const told = `${path}: ${JSON.stringify(value)} is not ${checker.typeToString(type)}`
  if (type.isStringLiteral() || type.isNumberLiteral()) {
    return value === type.value ? undefined : told
  }
  if (type.flags & ts.TypeFlags.BooleanLiteral) {
    return String(value) === checker.typeToString(type) ? undefined : told
  }
  if (type.flags & ts.TypeFlags.Null) return value === null ? undefined : told
  const primitive = PRIMITIVES.find(([flag]) => type.flags & flag)
  if (primitive) return typeof value === primitive[1] ? undefined : told
  if (checker.isArrayType(type)) {
    if (!Array.isArray(value)) return told
    const [element] = checker.getTypeArguments(type)
    return first(value.map((one, index) => mismatch(one, element, `${path}[${index}]`)))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return told
  if (type.isClass()) return value instanceof sdk[type.symbol.name] ? undefined : told
  return first(
    checker.getPropertiesOfType(type).map((property) => {
      const inner = `${path}.${property.name}`
      if (!(property.name in value)) {
        return property.flags & ts.SymbolFlags.Optional ? undefined : `${inner} is absent`
      }
      return mismatch(value[property.name], checker.getTypeOfSymbol(property), inner)
    }),
  )
}

function mismatchOfUnion(value, type, path) {
  const faults = type.types.map((one) => mismatch(value, one, path))
  // The longest complaint is of the alternative that fits best.
  return faults.some((fault) => fault === undefined)
    ? undefined
    : faults.sort((one, other) => other.length - one.length)[0]
}

function first(faults) {
  return faults.find((fault) => fault !== undefined)
}

/** From now on every answer of the client is held against the declared one. */
function holdAnswers() {
  const members = publicMembers('AgentChatClient')
  for (const member of exported.get('AgentChatClient').valueDeclaration.members) {
    if (!ts.isMethodDeclaration(member) || !members.includes(member.name.text)) continue
    const isStatic = ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static
    const target = isStatic ? sdk.AgentChatClient : sdk.AgentChatClient.prototype
    const signature = checker.getSignatureFromDeclaration(member)
    const answered = checker.getReturnTypeOfSignature(signature)
    const name = member.name.text
    const [answer] = checker.getTypeArguments(answered)
    target[name] = held(target[name], answer, name, answered.symbol.name === 'AsyncGenerator')
  }
}

function held(method, answer, name, isGenerator) {
  if (isGenerator) {
    return async function* (...args) {
      for await (const row of method.apply(this, args)) yield conforms(row, answer, name)
    }
  }
  return async function (...args) {
    return conforms(await method.apply(this, args), answer, name)
  }
}

holdAnswers()

/** The type of each event's payload, where the SDK has one. */
const PAYLOADS = {
  'message.new': 'Message',
  'presence.update': 'PresenceBroadcast',
  'group.invite.received': 'GroupInvitation',
  'group.deleted': 'DeletedGroupInfo',
}

/** Holds a frame of a socket against the SDK's types; its handlers get it typed so. */
export function fitsEvent(event) {
  fits(event, 'WsMessage')
  if (PAYLOADS[event.type]) fits(event.payload, PAYLOADS[event.type])
  if (event.type === 'message.new' && event.payload.type === 'system') systemEvent(event.payload)
}

/** What a group's system message says. */
export function systemEvent(row) {
  assert.equal(row.client_msg_id, `sys_${row.id}`)
  return fits(row.content.data, 'GroupSystemEvent')
}
