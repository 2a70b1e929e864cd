import {
  checkEnrolmentAnswer,
  checkPairingMac,
  checkPossession,
  checkpointMark,
  deviceStatement,
  fromBase64url,
  hpke7,
  makeChallengeBinding,
  makePairingCode,
  makePairingString,
  makePinText,
  pairingKey,
  pairingMac,
  parsePairingString,
  parsePinText,
  possessionMac,
  readEnrolmentAnswer,
  readStatement,
  type Thumbprint,
  toBase64url,
  unwrapKey,
  writeEnrolmentAnswer,
} from '../../packages/protocol/src/index.ts'
import {
  assert,
  assertEqual,
  DAY,
  EN,
  log,
  martaLaptop,
  martaLaptopEnc,
  martaPhone,
  martaRoot,
  NOW,
  ORIGIN,
  secretOf,
  server,
} from './example.ts'
import { deviceOf, lastHead, martaSet, wrapFor } from './story.ts'
import type { VectorFile } from './vector-file.ts'

/** Marta's phone enrols her laptop. */
interface PairingVectors {
  string: string
  firstDeviceString: string
  pin: string
  secretHex: string
  en: string
  /** Step 2. */
  claim: { statement: string; mac: string }
  set: string
  /** Step 4. */
  answer: { answer: string; mac: string; json: string }
  challenge: { kid: string; octetsHex: string; binding: string }
  /** Step 5. */
  proof: { answers: { kid: string; mac: string }[] }
}

export const pairing: VectorFile<PairingVectors> = {
  name: 'pairing',
  async make() {
    const secret = Uint8Array.from({ length: 16 }, (_, i) => i)
    const code = makePairingCode(secretOf('code').subarray(0, 16))
    const first = { origin: ORIGIN, username: 'marta', log: log.vkey.text, code }
    const statement = await deviceOf(martaLaptop, martaRoot, {
      iat: NOW,
      exp: NOW + 90 * DAY,
      enc: [{ jwk: martaLaptopEnc.jwk, alg: 'HPKE-7', nbf: NOW, exp: NOW + 90 * DAY, exposure: 'software' }],
    })
    const { kid } = martaLaptopEnc
    const challenge = secretOf('challenge')
    const names = { origin: ORIGIN, en: EN, src: martaPhone.id, dst: martaLaptop.id, kid, alg: 'HPKE-7' }
    const binding = makeChallengeBinding(names)
    const wrapped = await wrapFor(martaLaptopEnc, 'ephemeral 2', challenge, binding)
    const answer = writeEnrolmentAnswer({
      en: EN,
      statement: statement.ref,
      set: martaSet.ref,
      serverKeys: [server.id],
      checkpoint: checkpointMark(lastHead),
      challenges: [{ kid, binding: toBase64url(binding), wrapped }],
    })
    return {
      string: makePairingString({ ...first, user: martaRoot.id, secret }),
      firstDeviceString: makePairingString(first),
      pin: makePinText({ origin: ORIGIN, user: martaRoot.id, username: 'marta', root: martaRoot.id }),
      secretHex: secret.toHex(),
      en: EN,
      claim: { statement: statement.text, mac: pairingMac(pairingKey('new', secret, ORIGIN), statement.text) },
      set: martaSet.text,
      answer: {
        answer,
        mac: pairingMac(pairingKey('answer', secret, ORIGIN), answer),
        json: new TextDecoder().decode(fromBase64url(answer)),
      },
      challenge: { kid, octetsHex: challenge.toHex(), binding: new TextDecoder().decode(binding) },
      proof: { answers: [{ kid, mac: possessionMac(challenge, EN, martaLaptop.id) }] },
    }
  },

  async check(vectors) {
    const secret = Uint8Array.fromHex(vectors.secretHex)
    const parsed = parsePairingString(vectors.string)
    assert('secret' in parsed, 'pairing string')
    assertEqual(
      [parsed.origin, parsed.user, parsed.secret.toHex()],
      [ORIGIN, martaRoot.id, secret.toHex()],
      'pairing string',
    )
    assert(!('secret' in parsePairingString(vectors.firstDeviceString)), 'string of a first device')
    assertEqual(parsePinText(vectors.pin).user, martaRoot.id, 'pin text')
    checkPairingMac(pairingKey('new', secret, ORIGIN), vectors.claim.statement, vectors.claim.mac)
    checkPairingMac(pairingKey('answer', secret, ORIGIN), vectors.answer.answer, vectors.answer.mac)

    const statement = readStatement(deviceStatement, vectors.claim.statement)
    const [challenge] = checkEnrolmentAnswer(readEnrolmentAnswer(vectors.answer.answer), {
      origin: ORIGIN,
      en: EN,
      statement: statement.ref,
      set: martaSet.ref,
      me: martaLaptop.id,
      enc: new Map([[martaLaptopEnc.kid, 'HPKE-7']]),
      listed: new Set([martaPhone.id]),
    })
    assert(challenge !== undefined, 'one challenge')
    const pair = await hpke7.importKeyPair(martaLaptopEnc.jwk, martaLaptopEnc.scalar)
    const { alg, wrapped, bindingOctets: binding } = challenge
    const octets = await unwrapKey({ alg, pair, wrapped, binding, type: 'hmac' })
    assertEqual(octets.toHex(), vectors.challenge.octetsHex, 'the challenge opens')
    const answers = vectors.proof.answers.map(({ kid, mac }) => ({ kid: kid as Thumbprint, mac }))
    checkPossession(answers, new Map([[martaLaptopEnc.kid, octets]]), EN, martaLaptop.id)
  },
}
