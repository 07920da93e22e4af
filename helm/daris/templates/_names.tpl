{{/* Names are fixed: admission policies, the operator's Lease and the CRDs are the cluster's, so that one release fits. */}}

{{- define "daris.labels" -}}
app.kubernetes.io/name: daris
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Of one component. Call with (dict "root" $ "component" NAME). */}}
{{- define "daris.selector" -}}
app.kubernetes.io/name: daris
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Call with (dict "root" $ "image" .Values.images.X). */}}
{{- define "daris.image" -}}
{{- with .image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.root.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* A manifest that the tests apply as it is, put into the release's namespace, with labels and annotations added.
     Call with (dict "root" $ "text" TEXT "annotations" MAP). */}}
{{- define "daris.shipped" -}}
{{- $root := .root -}}
{{- $added := dict "metadata" (dict "labels" (include "daris.labels" $root | fromYaml)) -}}
{{- with .annotations }}{{ $_ := set $added.metadata "annotations" . }}{{ end -}}
{{- range splitList "\n---\n" (.text | replace "daris-system" $root.Release.Namespace) }}
---
{{ mergeOverwrite (. | fromYaml) (deepCopy $added) | toYaml }}
{{- end }}
{{- end }}
