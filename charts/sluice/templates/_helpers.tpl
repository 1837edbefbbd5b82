{{/* Names and settings that every template shares. */}}

{{- define "sluice.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "sluice.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "sluice.selector" -}}
app.kubernetes.io/name: sluice
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "sluice.labels" -}}
{{ include "sluice.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{- define "sluice.connectionsSecret" -}}
{{- .Values.connections.existingSecret | default (printf "%s-connections" (include "sluice.name" .)) -}}
{{- end -}}

{{/* connections.yaml as the roles read it; dependencies of the try-out replace what is empty. */}}
{{- define "sluice.connections" -}}
{{- $name := include "sluice.name" . -}}
{{- $c := .Values.connections -}}
{{- if .Values.dependencies.enabled }}
etcd:
  endpoints: [{{ printf "http://%s-etcd:2379" $name | quote }}]
s3:
  endpoint: {{ printf "http://%s-minio:9000" $name | quote }}
  bucket: sluice
  accessKey: sluice
  secretKey: sluice-try-out
redis:
  url: {{ printf "redis://%s-redis:6379" $name | quote }}
{{- else }}
etcd:
  endpoints: {{ required "connections.etcd.endpoints: give at least one URL, or connections.existingSecret, or dependencies.enabled=true for a try-out" (join "," $c.etcd.endpoints) | splitList "," | toJson }}
  {{- with $c.etcd.root }}
  root: {{ . | quote }}
  {{- end }}
  {{- with $c.etcd.username }}
  username: {{ . | quote }}
  password: {{ $c.etcd.password | quote }}
  {{- end }}
s3:
  endpoint: {{ required "connections.s3.endpoint: give the URL of the S3 server" $c.s3.endpoint | quote }}
  bucket: {{ required "connections.s3.bucket: give the name of an existing bucket" $c.s3.bucket | quote }}
  accessKey: {{ $c.s3.accessKey | quote }}
  secretKey: {{ $c.s3.secretKey | quote }}
  prefix: {{ $c.s3.prefix | quote }}
{{- with $c.redis.url }}
redis:
  url: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* PodSecurity "restricted". */}}
{{- define "sluice.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "sluice.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "sluice.probes" -}}
startupProbe:
  httpGet: { path: /status/health, port: http }
  periodSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet: { path: /status/ready, port: http }
  periodSeconds: 5
livenessProbe:
  httpGet: { path: /status/health, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}

{{- define "sluice.connectionsMount" -}}
- name: connections
  mountPath: /etc/sluice/connections
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- end -}}

{{- define "sluice.connectionsVolume" -}}
- name: connections
  secret:
    secretName: {{ include "sluice.connectionsSecret" . }}
    defaultMode: 0440
- name: tmp
  emptyDir: { sizeLimit: 1Gi }
{{- end -}}

{{- define "sluice.spread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "sluice.selector" . | nindent 6 }}
{{- end -}}

{{/* What helm test makes, in the order of the weight; gone when it has passed. */}}
{{- define "sluice.testHook" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}
