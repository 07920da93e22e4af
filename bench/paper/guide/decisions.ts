// The first table of docs/choosing.md: loads, and what to write into the policy for each.
import type { PaperResults } from '../results.ts';
import type { Simulated } from '../simulate.ts';
import { LOADS } from '../experiments.ts';
import {
  highShareFacts,
  isolationFacts,
  joiningFacts,
  mixFacts,
  numberFacts,
  smallGpuFacts,
  streamsFacts,
} from './facts.ts';
import { premise, setNamed, streamsAtOnce, type MeasuredGpu } from './measured.ts';
import { list, markdown, ms, number, ratio, share, signed } from './words.ts';

interface Decision {
  readonly load: string;
  readonly choose: string;
  readonly gives: string;
  readonly costs: string;
}

function smallJobs(gpu: MeasuredGpu): Decision {
  const set = setNamed(gpu, 'resnet18', true);
  const { gained } = numberFacts(gpu);
  const longer = gained.map(({ set: { network }, highP50 }) => `${network} ${ratio(highP50)}`);
  premise(set.best.name === 'Streams 1×10_1', 'small single jobs are fastest on ten streams of one context');
  return {
    load: 'small nets, one image a job, tight deadlines',
    choose: '`Streams`, 1 × 8 to 10, no oversubscription to choose',
    gives: `${number(set.best.elementsPerS)} jobs a second of ${set.network}, High p99 ${ms(set.best.high.responseUs?.p99)} ms, none late`,
    costs: `High p50 of 10 streams against 6: ${list(longer)}`,
  };
}

function joined(gpu: MeasuredGpu): Decision {
  const room = joiningFacts(gpu).map(({ network, times }) => `${network} ${ratio(times)}`);
  return {
    load: 'many such tasks of few models',
    choose: "the same, and `joining: 'On'`",
    gives: `room up to the roof of the GPU, over the best of single jobs: ${list(room)}`,
    costs: 'responses as long as a larger unit takes; packages with larger batches, memory and loading time for them',
  };
}

function largeJobs(gpu: MeasuredGpu): Decision {
  const { lost, bestCounts } = numberFacts(gpu);
  const [least, most] = [Math.min(...bestCounts), Math.max(...bestCounts)];
  const over = gpu.batches.map(
    ({ network, best, purePerS = Number.NaN }) => `${network} ${ratio(best.elementsPerS / purePerS)}`,
  );
  const tens = lost.map(({ highP50 }) => highP50);
  return {
    load: 'large jobs: batches, large images, nets that nearly fill the GPU alone',
    choose: `\`Streams\`, 1 × ${least} to ${most}`,
    gives: `over the same batches one after the other: ${list(over)}`,
    costs: `of the tempting 10 streams: throughput ${list(lost.map(({ rate }) => signed(rate)))}, High p50 ${ratio(Math.min(...tens))} to ${ratio(Math.max(...tens))}`,
  };
}

function mixed({ soak }: MeasuredGpu, results: PaperResults): Decision {
  const { high, low, seconds, jobsPerS } = soak;
  const { streams, contexts } = mixFacts(results);
  premise(high.missed === 0, 'no High job of the mix was late');
  return {
    load: 'nets of several sizes beside each other',
    choose: '`GreenContexts`, 4 × 2 or 5 × 2, OS 2 or more; cut the largest net into more stages',
    gives: `four nets for ${Math.round(seconds / 60)} minutes, ${number(jobsPerS)} jobs a second: 0 of ${number(high.released)} High jobs late, p99 ${ms(high.responseUs?.p99)} ms`,
    costs: `${share(low.missRate)} of the admitted Low jobs late. It is the only division of a mix that was measured; simulated, ${contexts.configuration} has ${share(contexts.low.onTimeRate)} of the Low jobs in time, ${streams.configuration} ${share(streams.low.onTimeRate)}, at ${signed(contexts.inferencesPerS / streams.inferencesPerS - 1)} of images a second`,
  };
}

function highHeavy(results: PaperResults): Decision {
  const facts = highShareFacts(results);
  const late = (of: 'half' | 'all' | 'tested'): string =>
    list(facts.map((each) => `${each.network} ${share(each[of])}`));
  return {
    load: 'mostly High tasks',
    choose: 'leave `highPriorityUtilizationLimit` (absent: 0.75); where you raise it, `highPriorityAdmission: true`',
    gives: `simulated on the paper’s GPU at ${LOADS['overload']?.load ?? ''} times what batching does there. High late with half of the tasks High: ${late('half')}`,
    costs: `with all of them High: ${late('all')}; the same tested: ${late('tested')}, but jobs are refused`,
  };
}

function overload(gpu: MeasuredGpu): Decision {
  const facts = streamsFacts(gpu);
  const loads = [...gpu.singles, ...gpu.batches].map(({ load }) => load);
  const inTime = [...gpu.singles, ...gpu.batches].map(({ best }) => best.low.onTimeRate);
  return {
    load: 'more than the GPU can do',
    choose: 'as for the size of the jobs; `admission: Predicted` (the default)',
    gives: `at ${Math.min(...loads).toFixed(2)} to ${Math.max(...loads).toFixed(2)} times that: no High job late in ${facts.runs} runs`,
    costs: `of the best ones, ${share(Math.min(...inTime))} to ${share(Math.max(...inTime))} of the released Low jobs end in time; the others are refused at once`,
  };
}

function robot(results: PaperResults): Decision {
  const [resnet18, unet] = smallGpuFacts(results);
  if (resnet18 === undefined || unet === undefined) throw new Error('nothing was simulated for a smaller GPU');
  const p99 = (run: Simulated): string => `${ms(run.high.responseUs?.p99)} ms`;
  return {
    load: 'one GPU, a handful of nets: a robot',
    choose: '`Streams`, 1 × 2 to 4; High for what must be seen, Low for the rest',
    gives: `needs neither MPS nor green contexts. Simulated on the paper’s GPU, High p99 on two streams: ${resnet18.network} ${p99(resnet18.two)}, ${unet.network} ${p99(unet.two)}`,
    costs: `on ten: ${p99(resnet18.ten)}, ${p99(unet.ten)}, for ${signed(resnet18.ten.inferencesPerS / resnet18.two.inferencesPerS - 1)} and ${signed(unet.ten.inferencesPerS / unet.two.inferencesPerS - 1)} of throughput; streams beyond the tasks that are ever due at once change nothing`,
  };
}

function apart(gpu: MeasuredGpu): Decision {
  const { mostLost, leastLost } = isolationFacts(gpu);
  return {
    load: 'a task that must keep SMs of its own',
    choose: '`GreenContexts`, OS 1, as few contexts as groups of tasks to be kept apart',
    gives: 'kernels of others never run on its SMs; memory and caches stay shared',
    costs: `throughput of 8×1_1 over 8×1_8: ${mostLost.value.toFixed(2)} (${mostLost.of}) to ${leastLost.value.toFixed(2)} (${leastLost.of}), and longer High tails; two contexts of large jobs have shorter ones`,
  };
}

export function decisions(gpu: MeasuredGpu, results: PaperResults): string {
  const all = [
    smallJobs(gpu),
    joined(gpu),
    largeJobs(gpu),
    mixed(gpu, results),
    highHeavy(results),
    overload(gpu),
    robot(results),
    apart(gpu),
  ];
  premise(streamsAtOnce(setNamed(gpu, 'inceptionv3', true).best) >= 8, 'single jobs of inceptionv3 want many streams');
  return `## By load

${markdown(
  ['your load', 'choose: mode, contexts × streams', 'what it gives', 'what it costs'],
  all.map(({ load, choose, gives, costs }) => [`**${load}**`, choose, gives, costs]),
)}

Inputs and outputs that are copied from and to the host change none of this ([copies](#copies)). A policy for the second row:

\`\`\`yaml
apiVersion: daris.dev/v1alpha1
kind: GpuSchedulingPolicy
metadata: { name: cameras }
spec:
  nodeSelector: { daris.dev/policy: cameras }
  partitioning: { mode: Streams, contexts: 1, streamsPerContext: 8 }
  joining: 'On'
\`\`\``;
}
