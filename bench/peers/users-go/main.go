// The users service in Go: net/http and SQLite.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) != 3 || os.Getenv("USERS_TOKEN") == "" {
		log.Fatal("usage: USERS_TOKEN=… users-go LISTEN DATABASE")
	}
	users, err := openStore(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:              os.Args[1],
		Handler:           newAPI(users, os.Getenv("USERS_TOKEN")),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Hour,
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(last)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	if err := errors.Join(<-stopped, users.Close()); err != nil {
		log.Fatal(err)
	}
}
