// The reasons of docs/choosing.md, how a wrong choice shows, and when another tool is better.
import type { PaperResults } from '../results.ts';
import {
  admissionFacts,
  isolationFacts,
  joinedFacts,
  joiningFacts,
  mixFacts,
  mpsFacts,
  numberFacts,
  roofFacts,
  simulatedAdmissionFacts,
  sizeFacts,
  smallGpuFacts,
  streamsFacts,
} from './facts.ts';
import { premise, setsOf, titleOf, type MeasuredGpu } from './measured.ts';
import { copiesTable, eightTable, overloadTable, streamsTable, twoTable } from './tables.ts';
import { list, markdown, ms, number, ratio, share, signed } from './words.ts';

export function reasons(gpu: MeasuredGpu, results: PaperResults): string {
  return [
    '## Reasons',
    sizeOfJobs(gpu),
    howManyStreams(gpu),
    streamsOrContexts(gpu),
    oversubscription(gpu),
    mix(results),
    admission(gpu, results),
    joining(gpu, results),
    copies(gpu),
    smallGpu(results),
  ].join('\n\n');
}

function sizeOfJobs(gpu: MeasuredGpu): string {
  const alone = sizeFacts(gpu).map(({ set, of }) => `${of.toFixed(2)}: ${titleOf(set)}`);
  return `### Is a job small or large?

A job is **large** when one after the other already does more than half of what the GPU can do at most. Of the sets below that is so
for all batches (${alone.join('; ')}).
Ask for the AFET of a larger batch: a \`ModelProfile\` has it in \`status.batches\`. Where twice the
batch takes hardly longer, the job is small; where it takes twice as long, it is large.`;
}

function howManyStreams(gpu: MeasuredGpu): string {
  const { gained, lost, unetSix } = numberFacts(gpu);
  const words = (each: readonly { set: { network: string }; rate: number }[]): string =>
    list(each.map(({ set, rate }) => `${set.network} ${signed(rate)}`));
  return `### How many streams

Small jobs leave SMs over that more jobs at once use: from 6 streams to 10 ${words(gained)}. Large jobs only take turns
more often: from 2 streams to 10 ${words(lost)}, and every High job then shares the GPU with nine others. Single jobs of unet
lie between: ${signed(unetSix.rate)} from 6 to 10. So begin with two streams for large jobs and eight for small ones, and look at High p99.

![images a second and High responses by streams](figures/choosing-streams.svg)

${streamsTable(gpu)}`;
}

function streamsOrContexts(gpu: MeasuredGpu): string {
  const { worst, leastLonger, mostLonger, lateInContexts, lateInStreams } = streamsFacts(gpu);
  const { least, most, best } = mpsFacts(gpu);
  return `### Streams or contexts

Streams of one context have one queue: whichever is free takes the most urgent stage. A context of its own has a queue of its
own, and a High task never leaves its context, even where others are idle. So with eight contexts of one stream against eight
streams High p50 is ${ratio(leastLonger.value)} (${leastLonger.of}) to ${ratio(mostLonger.value)} (${mostLonger.of}) as long, and up to
${share(lateInContexts.value)} of the Low jobs are late, against ${share(lateInStreams.value)} at most in any number of streams. In throughput streams reach
at least ${ratio(worst.value)} of the best of all partitionings (${worst.of}). The paper found contexts under MPS to be the fastest on its
GPU; here the measurements say so of one network ([paper.md](paper.md)): MPS has ${ratio(least.value)} (${least.of}) to
${ratio(most.value)} (${most.of}, ${best}) of the throughput without it.

${eightTable(gpu)}

Take contexts where tasks must be kept apart, or where a mix of nets does better with them. \`GreenContexts\` before \`MPS\`: weights lie
on the GPU once, no core is taken for each context ([concepts.md](concepts.md#policies)). \`MPSStreams\` is worth a try where
one network of middle size fills the GPU, and is for drivers without green contexts.`;
}

function oversubscription(gpu: MeasuredGpu): string {
  const { mostLost, leastLost, leastTail, mostTail, two } = isolationFacts(gpu);
  const halves = two.map(
    ({ of, change, tail, late }) =>
      `${of}, ${signed(change)} of throughput, High p99 ${ratio(tail)} as long, ${share(late.alone)} of the Low jobs late instead of ${share(late.shared)}`,
  );
  return `### Oversubscription

If there are contexts, let them overlap: OS as many as contexts is the fastest for batches, and never far from it for single jobs. SMs of their own
(OS 1) cost throughput: 8×1_1 reaches ${ratio(mostLost.value)} (${mostLost.of}) to ${ratio(leastLost.value)} (${leastLost.of}) of 8×1_8. With so many contexts they lengthen tails as
well, since a job alone takes longer on fewer SMs: High p99 is ${ratio(leastTail.value)} (${leastTail.of}) to ${ratio(mostTail.value)} (${mostTail.of}) as long. With two contexts of large jobs
they shorten them, at a price (2×1_1 against 2×1_2: ${halves.join('; ')}).

${twoTable(gpu)}`;
}

function mix(results: PaperResults): string {
  const { rows, streams, contexts } = mixFacts(results);
  return `### A mix of sizes

Simulated on the H200: a quarter each of the sets of resnet18 and inceptionv3 (single jobs), resnet50 and unet (batches). All streams of
one context serve most images, but contexts of two streams bring more Low jobs to their end in time (${contexts.configuration} ${share(contexts.low.onTimeRate)}, ${streams.configuration} ${share(streams.low.onTimeRate)}): the small ones. No High
job is late in any division.

${markdown(
  ['division', 'images a second', 'jobs a second', 'High p50, p99, ms', 'Low late', 'Low in time'],
  rows.map(({ configuration, inferencesPerS, jobsPerS, high, low }) => [
    configuration,
    number(inferencesPerS),
    number(jobsPerS),
    `${ms(high.responseUs?.p50)}, ${ms(high.responseUs?.p99)}`,
    share(low.missRate),
    share(low.onTimeRate),
  ]),
)}`;
}

function admission(gpu: MeasuredGpu, results: PaperResults): string {
  const { pairs, most } = admissionFacts(gpu);
  const simulated = simulatedAdmissionFacts(results);
  return `### The test of admission

\`Predicted\` refuses jobs that would be late anyway; \`Utilization\`, the paper's, asks for capacity alone. In ${pairs} partitionings that were
run under both, the share of Low jobs that end in time differs by ${share(most)} at most; simulated on the paper's GPU the
fastest configuration changes by ${share(simulated.least)} to ${share(simulated.most)}. So keep the default: it tells a client at once what would be late. Overload costs Low tasks alone:

${overloadTable(gpu)}`;
}

function joining(gpu: MeasuredGpu, results: PaperResults): string {
  const rows = joinedFacts(results, gpu).map(
    ({ network, measured, meanSize, run, overSingles }) =>
      `- ${network}, ${measured.offered} of the roof: ${number(run.jobsPerS)} jobs a second${overSingles === undefined ? '' : ` (${ratio(overSingles)} of the best of single jobs)`}, ${Math.round(meanSize)} a unit, High p99 ${ms(run.high.responseUs?.p99)} ms; nobody late, nobody refused. Measured without admission: ${number(measured.rate)}, High p99 ${ms(measured.highP99Us)} ms.`,
  );
  const room = joiningFacts(gpu).map(({ network, times }) => `${network} ${ratio(times)}`);
  return `### Joining

One stream of the largest batches does more than any number of single jobs: ${list(room)}. That is what
[joining](joining.md) can win back at most, without anyone waiting for a batch to fill. It needs packages with larger batch sizes
(\`--capacities\`), several tasks of one package, and deadlines that bear twice the time of a larger unit. Simulated on the H200, tasks of 30 single jobs a
second on two streams ([how well that is simulated](paper-model.md#joined-jobs)):

${rows.join('\n')}`;
}

function copies(gpu: MeasuredGpu): string {
  return `### Copies

${copiesTable(gpu)}

Copies go through page-locked memory and run beside the stages of others. They count as execution time, so MRETs and admission know
them. A net with inputs of tens of megabytes is another matter, and not measured.`;
}

function smallGpu(results: PaperResults): string {
  const facts = smallGpuFacts(results);
  const loads = facts.map(({ load }) => load);
  const rows = facts.flatMap(({ network, two, four, ten }) =>
    [two, four, ten].map(({ configuration, inferencesPerS, high, low }) => [
      network,
      configuration,
      inferencesPerS,
      `${ms(high.responseUs?.p50)}, ${ms(high.responseUs?.p99)}`,
      share(high.missRate),
      share(low.onTimeRate),
    ]),
  );
  return `### A smaller GPU

Simulated on the paper's RTX 2080 Ti under its sets: single jobs, ${Math.min(...loads).toFixed(2)} to ${Math.max(...loads).toFixed(2)} times its pure batching, tested as in
the paper. More streams bring more and make High jobs slower; what matters is that High tasks alone fit: where they do not, no number of streams helps.

${markdown(['set', 'streams', 'jobs a second', 'High p50, p99, ms', 'High late', 'Low in time'], rows)}`;
}

/** Symptom, where it shows, what it means, what to change. */
export function wrongChoice(): string {
  const rows = [
    [
      'Low jobs are refused while streams are idle',
      '`daris_jobs_rejected_total{reason="Utilization"}` grows, `daris_context_busy_seconds_total` grows by less than the streams of the context each second',
      'High tasks book what they do not use, or MRETs are far above what jobs take',
      'fewer or shorter High tasks in that context; more streams; `mretAging` on',
    ],
    [
      'High responses near the deadline, GPU busy',
      '`daris_job_response_seconds`, `responseP99Us`; `mretUs` far above `afetUs`',
      'too many jobs at once for large jobs',
      'half the streams',
    ],
    [
      'one context is busy, another idle',
      '`daris_context_busy_seconds_total` by `context`; `status.gpus[].contexts[].highUtilization`',
      'High tasks do not move between contexts',
      'one context with as many streams',
    ],
    [
      'misses with cause `Blocked`',
      '`status.runtime.lastMisses`, `daris_jobs_missed_by_cause_total`',
      'a long stage of another model holds the stream',
      'more stages for *that* model, or more streams',
    ],
    [
      'misses with cause `Queued`, Low tasks',
      'the same',
      'the context is full; under `Utilization` jobs are let in that are late already',
      '`admission: Predicted`; fewer tasks; joining',
    ],
    [
      'misses with cause `Overrun`',
      'the same; `daris_task_mret_seconds` grows; `ForeignSharing`, `daris_gpu_throttled`',
      'jobs take longer than ever before: somebody else, or clocks',
      'find who; a longer `mretWindow`; fewer streams',
    ],
    [
      'a GPU that could do more: throughput below what batches do, all jobs single',
      '`status.batches` of the ModelProfile: a batch of eight takes far less than eight times as long',
      'small jobs alone do not fill it',
      "more streams; `joining: 'On'`",
    ],
    [
      'joining is on and nothing goes together',
      '`status.runtime.joining`: `meanUnitSize` near 1 and refusals; `capacity` 1',
      'a short deadline of the class, or a High task beside it, bears no larger unit; or packages lack batches',
      'put the short deadline on another GPU; package with `--capacities`',
    ],
    [
      'a context has more SMs than asked for',
      '`sms` against `wantedSms` of the GpuNode',
      'the hardware hands out SMs in groups',
      'fewer contexts, or another OS',
    ],
    [
      'a High task finds no place',
      '`Placed=False`, `HighPriorityLimit`, which says what period would fit',
      'High tasks would book more than their limit',
      'Low for what may be skipped; another GPU; the limit last',
    ],
  ];
  return `## How to see that the choice is wrong

All of it is in the statuses of tasks, GpuNodes and ModelProfiles ([concepts.md](concepts.md)) and in the agents' [metrics](reference/metrics.md).
A policy is changed in place: jobs under way end, the GPU is divided anew, tasks go on.

${markdown(['what you see', 'where', 'what it means', 'change'], rows)}`;
}

export function notTheTool(gpu: MeasuredGpu): string {
  const { reached, gained } = roofFacts(gpu);
  const { oneStageUs = Number.NaN, addsUs = Number.NaN } = gpu.overhead.stageBoundary ?? {};
  const longest = Math.max(...setsOf(gpu).map(({ best }) => best.high.responseUs?.max ?? 0));
  premise(Number.isFinite(addsUs), 'what a stage boundary costs was measured');
  return `## When DARIS is not the right tool

- **One large batch fills the GPU, and nothing is due.** With deadlines, the best sets here do ${list(reached.map(({ network, batch, of }) => `${ratio(of)} (${network} of ${batch})`))} of what a plain
  loop does with the largest batches. Against the *same* batches it is ${list(gained.map(({ over }) => signed(over)))}, so it is the deadline that costs, not the
  scheduler. For throughput alone, run the loop.
- **Nothing periodic.** Admission and placement know a task by its period. Requests that come whenever they like, without a bound on
  their rate, are what an inference server with dynamic batching is for.
- **One net alone on its GPU.** There is nobody to wait for: a stage boundary costs ${addsUs.toFixed(1)} µs on a job of ${oneStageUs.toFixed(0)} µs and brings nothing.
- **Deadlines of microseconds.** Running kernels are not interrupted. The longest response of a High job in the best of each set was ${ms(longest)} ms.
- **Guarantees.** Admitted means predicted. What must not fail by proof needs a GPU of its own and a worst case that someone vouches for.
- **Shapes that change from job to job**, generated text above all: stages are compiled for fixed batches.
- **Tenants who do not trust each other.** Packages for GPUs are code in one process, and no mode of sharing keeps a fault of a kernel to one
  client ([security.md](security.md#compiled-code)). Give each a GPU, or a MIG slice.`;
}
