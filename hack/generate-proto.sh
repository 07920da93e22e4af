#!/usr/bin/env bash
# Writes the TypeScript side of proto/ into node-agent/native/gen with ts-proto (protoc is Debian's).
set -euo pipefail
cd "$(dirname "$0")/.."
out=node-agent/native/gen
rm -rf "$out"
mkdir -p "$out"
protoc --plugin=node_modules/.bin/protoc-gen-ts_proto --proto_path=agent-native/proto --ts_proto_out="$out" \
  --ts_proto_opt=outputServices=grpc-js,esModuleInterop=true,env=node,importSuffix=.ts,unrecognizedEnum=false \
  --ts_proto_opt=oneof=unions-value,forceLong=number,useOptionals=messages,enumsAsLiterals=true,useExactTypes=false \
  runtime.proto
