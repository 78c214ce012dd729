# Odoo's program: its Debian package, unpacked into the cache, and the Python it runs on. Sourced by start.
# shellcheck shell=bash

# The mirror is whatever this machine's own apt already uses for its own release.
mirror() {
  python3 - <<'PY'
import glob, os, re, sys
codename = ""
for line in open("/etc/os-release"):
    if line.startswith("VERSION_CODENAME="):
        codename = line.split("=", 1)[1].strip().strip('"')
found = []
for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")):
    for stanza in re.split(r"\n\s*\n", open(path).read()):
        f = {}
        for line in stanza.splitlines():
            if not line.startswith("#") and ":" in line and not line[0].isspace():
                k, v = line.split(":", 1)
                f[k.strip().lower()] = v.split()
        if f.get("enabled", ["yes"])[0].lower() in ("no", "false", "0"):
            continue
        if "deb" in f.get("types", []) and "main" in f.get("components", []):
            found += [(u, s) for u in f.get("uris", []) for s in f.get("suites", [])]
for path in ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*.list")):
    if os.path.exists(path):
        for line in open(path):
            m = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
            if m and "main" in m[3].split():
                found.append((m[1], m[2]))
for uri, suite in found:
    if suite in (codename, "stable", "testing", "sid"):
        print(uri.rstrip("/")); sys.exit()
sys.exit("no Debian mirror found in the apt configuration")
PY
}

# apt with state of its own: the machine's sources, lists and packages stay untouched
apt_private() {  # $1 = suite, then an apt command
  local root=$CACHE/apt/$1 tool=$2; shift 2
  mkdir -p "$root"/{lists/partial,cache/archives/partial}
  "$tool" -q -q -o Dir::Etc::SourceList="$root/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$root/lists" -o Dir::Cache="$root/cache" -o Acquire::Languages=none \
    -o APT::Sandbox::User=root -o Acquire::Retries=3 -o APT::Get::List-Cleanup=0 "$@"
}
apt_ready() {  # $1 = suite
  [ -f "$CACHE/apt/$1/ready" ] && return
  local uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg sign=
  uri=$(mirror)
  [ -f "$keyring" ] && sign="[signed-by=$keyring] "
  mkdir -p "$CACHE/apt/$1"
  echo "deb ${sign}$uri $1 main" >"$CACHE/apt/$1/sources.list"
  say "reading the package list of Debian $1"
  apt_private "$1" apt-get update >&2
  touch "$CACHE/apt/$1/ready"
}
unpack() {  # $1 = .deb, $2 = folder
  dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --no-same-owner --exclude='*/i18n/*.po' --exclude='*/i18n/*.pot' \
    --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale'
}
# Fetch a package with all that it depends on and unpack the lot into a folder, but for the
# base system, which every machine has.
fetch_tree() {  # $1 = suite, $2 = package(s), $3 = folder, then dependencies to leave out
  local suite=$1 pkg=$2 dir=$3 root=$CACHE/apt/$1 deb p; shift 3
  for p in "$@"; do  # apt takes these for installed
    printf 'Package: %s\nStatus: install ok installed\nVersion: 999\nArchitecture: all\nMaintainer: none <none@localhost>\nDescription: left out\n\n' "$p"
  done >"$root/status"
  mkdir -p "$root/cache/archives/partial"
  rm -rf "$dir" "$root/cache/archives"/*.deb; mkdir -p "$dir"
  apt_private "$suite" apt-get install -y --no-install-recommends --download-only \
    -o Dir::State::status="$root/status" $pkg >&2
  for deb in "$root/cache/archives"/*.deb; do
    case $(basename "$deb") in
      libc6_*|libc-bin_*|libcrypt1_*|libgcc-s1_*|libstdc++6_*|gcc-*|dpkg_*|tar_*|perl*|libperl*|debconf*|adduser_*) ;;
      passwd_*|login_*|libpam*|libc-l10n_*|locales_*|base-*|coreutils_*|util-linux*|bash_*|dash_*|grep_*|sed_*) ;;
      *) unpack "$deb" "$dir" ;;
    esac
  done
  rm -f "$root/cache/archives"/*.deb
}

fetch_odoo() {
  [ -f "$CACHE/src.stamp" ] && return
  apt_ready "$SUITE"
  local pkgs pkg deb min
  if [ "$SERIES" != latest ]; then
    pkg=odoo-$SERIES
    say "downloading $pkg of Debian $SUITE and what it depends on"
    # (without libmagic it takes every XML file for an SVG picture, and refuses it)
    fetch_tree "$SUITE" "$pkg python3-magic" "$CACHE/src" wkhtmltopdf adduser postgresql-client init-system-helpers lsb-base
    # Debian's docutils finds its files by absolute path
    { grep -rl "/usr/share/docutils" "$CACHE/src/usr/lib/python3/dist-packages/docutils" --include='*.py' || true; } |
      xargs -r sed -i "s#/usr/share/docutils#$CACHE/src/usr/share/docutils#g"
    echo "$pkg" >"$CACHE/src.stamp"
    return
  fi
  pkgs=$(apt_private "$SUITE" apt-cache pkgnames odoo- | grep -E '^odoo-[0-9]+$' | sort -Vr)
  [ -n "$pkgs" ] || die "Debian $SUITE has no odoo-NN package at present"
  for pkg in $pkgs; do
    say "downloading $pkg of Debian $SUITE"
    rm -f "$CACHE/deb/$pkg"_*.deb
    (cd "$CACHE/deb" && apt_private "$SUITE" apt-get download "$pkg" >&2)
    deb=$(ls "$CACHE/deb/$pkg"_*.deb | head -1)
    say "unpacking $(basename "$deb") (without translations)"
    rm -rf "$CACHE/src"; mkdir -p "$CACHE/src"
    unpack "$deb" "$CACHE/src"
    min=$(sed -n 's/^MIN_PY_VERSION *= *(\([0-9]*\), *\([0-9]*\)).*/\1 \2/p' \
      "$CACHE"/src/usr/lib/python3/dist-packages/odoo/release.py)
    if python3 -c 'import sys; sys.exit(sys.version_info[:2] < tuple(map(int, sys.argv[1:])))' ${min:-3 0}; then
      dpkg-deb -f "$deb" Depends >"$CACHE/depends.txt"
      dpkg-deb -f "$deb" Package Version >"$CACHE/src.stamp"
      rm -f "$deb"
      return
    fi
    say "$pkg needs Python ${min// /.}, this machine has an older one"
  done
  die "no odoo package of Debian $SUITE runs on this machine's Python"
}

fetch_python() {
  [ "$SERIES" = latest ] || return 0
  [ -f "$CACHE/venv.stamp" ] && return
  say "installing the Python requirements"
  rm -rf "$CACHE/venv"; python3 -m venv "$CACHE/venv"
  # the package's own dependency list, with Debian's names turned into those of pip
  python3 - "$CACHE/depends.txt" >"$CACHE/requirements.txt" <<'PY'
import re, sys
names_in_pip = {"dateutil": "python-dateutil", "lxml-html-clean": "lxml_html_clean", "magic": "python-magic",
        "openssl": "pyOpenSSL", "pil": "Pillow", "psycopg2": "psycopg2-binary", "serial": "pyserial",
        "stdnum": "python-stdnum", "tz": "pytz", "usb": "pyusb", "pypdf2": "PyPDF2"}
names = set()
for part in re.split(r"[,|]", open(sys.argv[1]).read()):
    m = re.match(r"\s*python3-([a-z0-9.+-]+)", part)
    if m and m[1] != "ldap":
        names.add(names_in_pip.get(m[1], m[1]))
print("\n".join(sorted(names | {"lxml", "psycopg2-binary", "werkzeug", "babel", "phonenumbers"})))
PY
  local pip=("$CACHE/venv/bin/python" -m pip install -q --disable-pip-version-check --no-input -r "$CACHE/requirements.txt")
  # versions that are known to work, when they can still be had; else the newest
  if ! { [ -f "$here/known-good.txt" ] && "${pip[@]}" -c "$here/known-good.txt" >"$CACHE/log/pip.log" 2>&1; }; then
    [ ! -f "$here/known-good.txt" ] || say "the known-good versions did not install, taking the newest"
    "${pip[@]}" >"$CACHE/log/pip.log" 2>&1 || { tail -20 "$CACHE/log/pip.log" >&2; die "pip failed"; }
  fi
  touch "$CACHE/venv.stamp"
}

odoo_command() {  # the command that runs Odoo, as the array ODOO
  local src=$CACHE/src
  VERSION=$(sed -n 's/^version_info *= *(\([0-9]*\), *\([0-9]*\),.*/\1.\2/p' "$src"/usr/lib/python3/dist-packages/odoo/release.py)
  if [ "$SERIES" = latest ]; then
    ODOO=(env LC_ALL=C.UTF-8 PYTHONPATH="$src/usr/lib/python3/dist-packages" "$CACHE/venv/bin/python")
  else  # the suite's own Python and libraries, on this machine's C library
    ODOO=(env LC_ALL=C.UTF-8 PYTHONHOME="$src/usr" PYTHONWARNINGS=ignore MAGIC="$src/usr/lib/file/magic.mgc"
      LD_LIBRARY_PATH="$(ls -d "$src"/usr/lib/*-linux-gnu "$src"/lib/*-linux-gnu 2>/dev/null | paste -sd:)"
      "$(ls "$src"/usr/bin/python3.*[0-9] | head -1)")
  fi
  ODOO+=("$src/usr/bin/odoo")
}

