{{/* The two containers of an agent pod, joined by a Unix socket. Call with (dict "root" $ "pool" POOL). */}}

{{- define "daris.agentContainer" -}}
name: agent
image: {{ include "daris.image" (dict "root" .root "image" .root.Values.images.agent) }}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
command: [daris-node-agent]
args:
  - --runtime-socket=/run/daris/runtime.sock
  - --metrics-address=:9091
  - --system-namespace={{ .root.Release.Namespace }}
  - --log-level={{ .root.Values.agent.logLevel }}
env:
  - { name: DARIS_NODE, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
  - { name: DARIS_ADVERTISE_ADDRESS, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
ports:
  - { name: metrics, containerPort: 9091 }
startupProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 10
  timeoutSeconds: 5
readinessProbe:
  httpGet: { path: /readyz, port: metrics }
  periodSeconds: 5
  timeoutSeconds: 5
resources: {{- toYaml .root.Values.agent.resources | nindent 2 }}
securityContext: {{- include "daris.containerSecurity" . | nindent 2 }}
volumeMounts:
  - {{- include "daris.tokenMount" . | nindent 4 }}
  - { name: run, mountPath: /run/daris }
{{- end }}

{{/* For how many GPUs a pod may need ports. Where it may be several, the kubelet probes none of their runtimes: it could
     only restart all of them for the sake of one, which the supervisor restarts by itself. */}}
{{- define "daris.mostGpus" -}}
{{- if has .access (list "DRA" "RuntimeClass") }}{{ max 16 .count }}{{ else }}{{ .count }}{{ end }}
{{- end }}

{{/* All containers of a pod have its one address: a runtime on the port of the agent's metrics would find it taken. Call
     with (dict "root" $ "pool" POOL). */}}
{{- define "daris.portsApart" -}}
{{- $metrics := 9091 }}
{{- $first := .root.Values.agent.inferencePort | int }}
{{- $most := include "daris.mostGpus" .pool | int }}
{{- $last := sub (add $first $most) 1 | int }}
{{- if and (le $first $metrics) (ge $last $metrics) }}
{{- fail (printf "agent.inferencePort: %d gives the runtimes of gpuPools %q, up to %d, the ports %d to %d, and %d is that of the agent's metrics; give it %d at most, or %d at least" $first .pool.name $most $first $last $metrics (sub $metrics $most) (add $metrics 1)) }}
{{- end }}
{{- end }}

{{/* It reaches neither the API server's token nor anything to write but its sockets and temporary files. */}}
{{- define "daris.runtimeContainer" -}}
name: runtime
image: {{ include "daris.image" (dict "root" .root "image" .root.Values.images.agent) }}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
command: [daris-runtime]
args:
  - --supervise
  - --socket=/run/daris/runtime.sock
  - --model-root=/models
  - --inference-address=[::]:{{ .root.Values.agent.inferencePort }}
  - --cores={{ .pool.cores }}
  - --engine={{ .pool.engine }}
  {{- with .pool.runtimeArgs }}{{ toYaml . | nindent 2 }}{{ end }}
ports:
  - { name: inference, containerPort: {{ .root.Values.agent.inferencePort }} }
  {{- range $number := untilStep 1 (include "daris.mostGpus" .pool | int) 1 }}
  - { name: inference-{{ $number }}, containerPort: {{ add $.root.Values.agent.inferencePort $number }} }
  {{- end }}
{{- if eq (include "daris.mostGpus" .pool) "1" }}
# Taking a GPU's memory at the start may take long; afterwards the supervisor restarts a runtime that died, and the
# kubelet one that accepts nobody.
startupProbe:
  tcpSocket: { port: inference }
  periodSeconds: 2
  failureThreshold: 90
livenessProbe:
  tcpSocket: { port: inference }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}
resources: {{- include "daris.runtimeResources" .pool | nindent 2 }}
securityContext: {{- include "daris.containerSecurity" . | nindent 2 }}
volumeMounts:
  - { name: run, mountPath: /run/daris }
  - { name: models, mountPath: /models, readOnly: true }
  - { name: tmp, mountPath: /tmp }
{{- end }}

{{- define "daris.runtimeResources" -}}
{{- $resources := deepCopy .runtimeResources }}
{{- if eq .access "DevicePlugin" }}
{{- $resources = mergeOverwrite $resources (dict "limits" (dict "nvidia.com/gpu" (.count | int))) }}
{{- else if eq .access "DRA" }}
{{- $resources = mergeOverwrite $resources (dict "claims" (list (dict "name" "gpus"))) }}
{{- end }}
{{- toYaml $resources }}
{{- end }}
