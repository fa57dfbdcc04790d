// Judges requests by a second policy engine, in a process of its own: JSON comes in, a verdict for each question goes out.
//
// The argument is a folder with `node_modules`; the input is {"policies": [document, ...], "questions": [...]}, where a
// question has its request, the indexes of the identity policies, and that of a resource policy or null.
// A verdict is "Allowed", "ImplicitlyDenied", "ExplicitlyDenied" or, for a question that is none, {"error": ...}.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const load = createRequire(join(process.argv[2], 'judge.mjs'))
const { runSimulation, runUnsafeSimulation } = load('@cloud-copilot/iam-simulate')

const EVERYTHING = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }]
}
const { policies, questions } = JSON.parse(readFileSync(0, 'utf-8'))
const named = (index) => ({ name: `policy ${index}`, policy: policies[index] })

async function verdict({ request, identity, resource, validated }) {
  const simulation = {
    request,
    identityPolicies: identity.map(named),
    resourcePolicy: resource === null ? undefined : policies[resource],
    serviceControlPolicies: [
      { orgIdentifier: 'root', policies: [{ name: 'FullAWSAccess', policy: EVERYTHING }] }
    ],
    resourceControlPolicies: []
  }
  if (!validated) {
    return runUnsafeSimulation(simulation, {})
  }
  const judged = await runSimulation(simulation, {})
  if (judged.resultType === 'error') {
    return { error: JSON.stringify(judged.errors) }
  }
  const ignored = judged.result?.ignoredContextKeys ?? []
  return ignored.length > 0 ? { error: `condition keys that the action does not have: ${ignored}` } : judged.overallResult
}

const verdicts = []
for (const question of questions) {
  verdicts.push(await verdict(question))
}
process.stdout.write(JSON.stringify(verdicts))
