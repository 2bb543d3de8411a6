module lockgate.invalid/bench/users

go 1.27

require github.com/mattn/go-sqlite3 v1.14.16

// Debian's golang-github-mattn-go-sqlite3-dev, which uses the system's SQLite: the build asks nobody for modules.
replace github.com/mattn/go-sqlite3 => /usr/share/gocode/src/github.com/mattn/go-sqlite3
