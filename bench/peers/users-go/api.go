package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	bodyBytesMax = 64 << 10
	limitDefault = 100
	limitMax     = 1000
)

type api struct{ users *store }

// problem is an answer of RFC 9457.
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
}

func newAPI(users *store, token string) http.Handler {
	a := &api{users}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "alive"})
	})
	guard := bearer(token)
	mux.Handle("GET /users", guard(a.list))
	mux.Handle("POST /users", guard(a.create))
	mux.Handle("GET /users/{id}", guard(a.show))
	return mux
}

// bearer lets through who presents the token; hashes are compared, so that the time says nothing of it.
func bearer(token string) func(http.HandlerFunc) http.Handler {
	want := sha256.Sum256([]byte(token))
	return func(next http.HandlerFunc) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			presented, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			got := sha256.Sum256([]byte(presented))
			if !ok || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				w.Header().Set("WWW-Authenticate", "Bearer")
				refuse(w, http.StatusUnauthorized, "")
				return
			}
			next(w, r)
		})
	}
}

func (a *api) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, err := number(query.Get("limit"), limitDefault)
	if err != nil || limit < 1 || limit > limitMax {
		refuse(w, http.StatusBadRequest, "limit is a number from 1 to 1000")
		return
	}
	after, err := number(query.Get("after"), 0)
	if err != nil || after < 0 {
		refuse(w, http.StatusBadRequest, "after is an id")
		return
	}
	users, err := a.users.list(r.Context(), after, int(limit)+1)
	if err != nil {
		fail(w, err)
		return
	}
	if len(users) > int(limit) {
		users = users[:limit]
		next := fmt.Sprintf(`</users?limit=%d&after=%d>; rel="next"`, limit, users[limit-1].ID)
		w.Header().Set("Link", next)
	}
	answer(w, http.StatusOK, users)
}

func (a *api) show(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		refuse(w, http.StatusNotFound, "")
		return
	}
	found, err := a.users.get(r.Context(), id)
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, found)
}

func (a *api) create(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyBytesMax))
	body.DisallowUnknownFields()
	if err := body.Decode(&wanted); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if _, err := body.Token(); !errors.Is(err, io.EOF) {
		refuse(w, http.StatusBadRequest, "more than one value")
		return
	}
	if !isName(wanted.Name) || !isEmail(wanted.Email) {
		refuse(w, http.StatusUnprocessableEntity, "name has 1 to 200 characters; email has one @ and no spaces")
		return
	}
	made, err := a.users.create(r.Context(), wanted.Name, wanted.Email)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Location", "/users/"+strconv.FormatInt(made.ID, 10))
	answer(w, http.StatusCreated, made)
}

func number(text string, otherwise int64) (int64, error) {
	if text == "" {
		return otherwise, nil
	}
	return strconv.ParseInt(text, 10, 64)
}

func isName(text string) bool {
	length := utf8.RuneCountInString(text)
	return length >= 1 && length <= 200 && strings.IndexFunc(text, unicode.IsControl) < 0
}

func isEmail(text string) bool {
	local, domain, found := strings.Cut(text, "@")
	isOdd := func(r rune) bool { return r == '@' || unicode.IsSpace(r) || unicode.IsControl(r) }
	return found && local != "" && domain != "" && len(text) <= 254 &&
		strings.IndexFunc(local, isOdd) < 0 && strings.IndexFunc(domain, isOdd) < 0
}

func fail(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errNotFound):
		refuse(w, http.StatusNotFound, err.Error())
	case errors.Is(err, errEmailTaken):
		refuse(w, http.StatusConflict, err.Error())
	default:
		log.Print(err)
		refuse(w, http.StatusInternalServerError, "")
	}
}

func refuse(w http.ResponseWriter, status int, detail string) {
	write(w, status, "application/problem+json", problem{status, http.StatusText(status), detail})
}

func answer(w http.ResponseWriter, status int, value any) {
	write(w, status, "application/json", value)
}

// write encodes first, so that an error can still be told, and the length is known.
func write(w http.ResponseWriter, status int, contentType string, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		log.Print(err)
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		log.Print(err)
	}
}
