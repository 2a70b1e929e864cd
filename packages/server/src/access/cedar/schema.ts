/**
 * What policies may speak of. Each question of PROTOCOL 6 is a Cedar action of its own; the facts stand in `context`, the
 * same for all three, except that `give` is asked only once a source is known, and `receive` once a target is, too.
 * Members with `?` must be tested with `has` before they are used. Policies are validated against this before they count.
 */
export const POLICY_SCHEMA: string = `
entity User;
entity Device;
entity Application;
entity Key;

type Requester = {
  type: String,       // user, device, application
  id: String,
  user?: String,      // root id: the user itself, or whose device it is
  grantee: Bool,      // an application with a live grant that covers the key
  forItself: Bool,    // the target, or at E1 every target named, is of the requester's own user
};
type KeyFacts = { id: String, owner: String, class: String, generation: Long };
type Party = {
  device: String,
  user: String,       // root id
  kind: String,       // smartcard, uicc, microsd, tpm, hsm, tee, usb-token, ese, software, browser
  exposure: String,   // software, host-transient, in-device
  attested: Bool,
  suspended: Bool,
};
type Proof = { party: String, method: String, at: Long, code: Bool };
type Approval = { by: String, decision: String, at: Long };

${question('request', 'source?', 'target?')}
${question('give', 'source', 'target?')}
${question('receive', 'source', 'target')}
`

function question(name: string, source: string, target: string): string {
  return `action "${name}" appliesTo {
  principal: [User, Device, Application],
  resource: [Key],
  context: {
    action: String,   // keyferry.admit, keyferry.release, keyferry.collect
    stage: String,    // ac1, ac2
    requester: Requester,
    key: KeyFacts,
    ${source}: Party,
    ${target}: Party,
    delivery?: String,
    attempt?: Long,
    purpose?: String,
    mechanism?: String,
    alg?: String,
    username?: String,
    now: Long,        // seconds since 1970
    proof?: Proof,
    orderBy: String,
    approvals: Set<Approval>,
    copies: Long,
  },
};`
}
