package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

//go:embed schema.sql
var schema string

var (
	errNotFound   = errors.New("no such user")
	errEmailTaken = errors.New("another user has the e-mail address")
)

// user is what the API shows.
type user struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	CreatedAt time.Time `json:"created_at"`
	Version   int64     `json:"version"`
}

// store has one connection that writes and a few that read what is committed meanwhile.
type store struct {
	writer, readers      *sql.DB
	insert, byID, listed *sql.Stmt
}

func openStore(path string) (*store, error) {
	// FULL: an answered write survives a power failure, as in the service this is compared with.
	writer, err := open(path, 1, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"},
	})
	if err != nil {
		return nil, err
	}
	if _, err := writer.Exec(schema); err != nil {
		return nil, fmt.Errorf("making the tables: %w", err)
	}
	readers, err := open(path, 4, url.Values{"mode": {"ro"}, "_query_only": {"true"}})
	if err != nil {
		return nil, err
	}
	s := &store{writer: writer, readers: readers}
	const columns = "SELECT id, name, email, created_us, version FROM users "
	for _, statement := range []struct {
		into **sql.Stmt
		on   *sql.DB
		text string
	}{
		{&s.insert, writer, "INSERT INTO users (name, email, email_key, created_us, version) VALUES (?, ?, ?, ?, 1)"},
		{&s.byID, readers, columns + "WHERE id = ?"},
		{&s.listed, readers, columns + "WHERE id > ? ORDER BY id LIMIT ?"},
	} {
		if *statement.into, err = statement.on.Prepare(statement.text); err != nil {
			return nil, fmt.Errorf("preparing %q: %w", statement.text, err)
		}
	}
	return s, nil
}

func open(path string, connections int, options url.Values) (*sql.DB, error) {
	options.Set("_busy_timeout", "5000")
	db, err := sql.Open("sqlite3", "file:"+path+"?"+options.Encode())
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func (s *store) Close() error {
	return errors.Join(s.readers.Close(), s.writer.Close())
}

func (s *store) create(ctx context.Context, name, email string) (user, error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	made, err := s.insert.ExecContext(ctx, name, email, strings.ToLower(email), now.UnixMicro())
	var refused sqlite3.Error
	if errors.As(err, &refused) && refused.ExtendedCode == sqlite3.ErrConstraintUnique {
		return user{}, errEmailTaken
	}
	if err != nil {
		return user{}, err
	}
	id, err := made.LastInsertId()
	return user{ID: id, Name: name, Email: email, CreatedAt: now, Version: 1}, err
}

func (s *store) get(ctx context.Context, id int64) (user, error) {
	found, err := scan(s.byID.QueryRowContext(ctx, id))
	if errors.Is(err, sql.ErrNoRows) {
		return user{}, errNotFound
	}
	return found, err
}

func (s *store) list(ctx context.Context, after int64, limit int) ([]user, error) {
	rows, err := s.listed.QueryContext(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	users := make([]user, 0, limit)
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		users = append(users, one)
	}
	return users, rows.Err()
}

func scan(row interface{ Scan(...any) error }) (user, error) {
	var one user
	var createdUS int64
	err := row.Scan(&one.ID, &one.Name, &one.Email, &createdUS, &one.Version)
	one.CreatedAt = time.UnixMicro(createdUS).UTC()
	return one, err
}
