package local

import (
	"context"
	"errors"
	"os"
	"sync"
)

// Close stops everything and leaves no process. It waits some seconds for what is under way; events that are
// not dealt with then are delivered by the next Start with the same data directory. Further calls do nothing.
func (c *Cloud) Close() (err error) {
	c.closing.Do(func() { err = c.close() })
	return err
}

func (c *Cloud) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	c.stop()
	c.closeServers(ctx)
	if c.scheduler != nil {
		c.scheduler.Close()
	}
	for _, d := range c.async {
		c.feeding.Go(func() { d.Close(ctx) })
	}
	stopForcing := context.AfterFunc(ctx, c.abandon)
	c.feeding.Wait()
	stopForcing()
	c.abandon()
	var functions sync.WaitGroup
	for _, f := range c.functions {
		functions.Go(func() { f.Close(ctx) })
	}
	functions.Wait()
	c.group.Close()
	if c.proxy != nil {
		c.proxy.shutdown(ctx)
	}
	if c.engine != nil {
		c.engine.Stop()
	}
	err := c.journal.Close()
	if c.lock != nil {
		err = errors.Join(err, c.lock.Close())
	}
	if c.temporary {
		err = errors.Join(err, os.RemoveAll(c.directory))
	}
	return err
}

// closeServers lets requests end until ctx does, then cuts them.
func (c *Cloud) closeServers(ctx context.Context) {
	for _, l := range c.listeners {
		_ = l.Close() // also those that no server took over yet
	}
	var sites sync.WaitGroup
	for _, s := range c.sites {
		sites.Go(func() { s.shutdown(ctx) })
	}
	sites.Wait()
}
