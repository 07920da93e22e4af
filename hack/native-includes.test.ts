import { expect, test } from '@jest/globals';

import { wrongIncludes } from './native-includes.ts';

test.each([
  ['sched/a.cpp', '#include "base/time.hpp"\n#include "sched/b.hpp"\n#include <vector>'],
  ['rpc/a.cpp', '#include "runtime.pb.h"\n#include <grpcpp/server.h>\n#include "runtime/runtime.hpp"'],
  ['engine/openvino/a.cpp', '#include <openvino/openvino.hpp>\n#include "engine/engine.hpp"'],
  ['main/a.cpp', '#include "engine/openvino/openvino_engine.hpp"'],
])('%s may include what it does', (path, text) => {
  expect(wrongIncludes(path, text)).toEqual([]);
});

test.each([
  ['sched/a.cpp', '#include "runtime/clock.hpp"', 'sched/ must not include runtime/clock.hpp'],
  ['sched/a.cpp', '#include <chrono>', 'the core is pure, so no <chrono>'],
  ['runtime/a.cpp', '#include "runtime.pb.h"', 'only rpc/ may include runtime.pb.h'],
  ['runtime/a.cpp', '#include <openvino/openvino.hpp>', 'only engine/openvino/ may include openvino/openvino.hpp'],
  ['runtime/a.cpp', '#include "engine/openvino/slot.hpp"', 'runtime/ must not include engine/openvino/slot.hpp'],
  ['engine/a.cpp', '#include "engine/openvino/slot.hpp"', 'engine/ must not include engine/openvino/slot.hpp'],
  ['new/a.cpp', '', 'this folder has no rule'],
])('%s must not: %s', (path, text, message) => {
  expect(wrongIncludes(path, text)).toEqual([`${path}: ${message}`]);
});
