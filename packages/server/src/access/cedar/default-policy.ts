/**
 * The policy of a server that was given none. It asks three things apart (PROTOCOL 6), and all three must be answered yes: a
 * `permit` must match and no `forbid`. It only says whether the server helps: what a device does not order, no policy moves.
 *
 * Every policy has an `@id`, which people see as the reason. A permit may add conditions, and all that match add theirs:
 * `@approvals("2")` with `@approvers("owner target-user <root id>")`, `@approval_code("required")` and
 * `@requester_may_approve("yes")`; `@code("proof")` or `@code("collect")`; `@proof_max_age("300")`, `@proof_method("device-signature")`.
 */
export const DEFAULT_POLICY: string = `// 1. May the requester ask for this? A request only: the key's owner still has to order it.
@id("default/owner-asks")
permit (principal, action == Action::"request", resource)
when { context.requester has user && context.requester.user == context.key.owner };

@id("default/target-asks")
permit (principal, action == Action::"request", resource)
when { context.requester.forItself };

@id("default/grantee-asks")
permit (principal is Application, action == Action::"request", resource)
when { context.requester.grantee };

// 2. May the source give this key?
@id("default/owner-gives")
permit (principal, action == Action::"give", resource)
when { context.source.user == context.key.owner };

@id("default/source-suspended")
forbid (principal, action == Action::"give", resource)
when { context.source.suspended };

// 3. May the target, and its user, receive it?
@id("default/own-devices")
permit (principal, action == Action::"receive", resource)
when { context.target.user == context.key.owner };

// The devices check who the other user is and whether the key is meant for him; the server cannot know.
@id("default/other-users")
permit (principal, action == Action::"receive", resource)
when { context.target.user != context.key.owner };

@id("default/target-suspended")
forbid (principal, action == Action::"receive", resource)
when { context.target.suspended };
`
