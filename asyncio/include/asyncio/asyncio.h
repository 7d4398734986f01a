// Everything: the public headers of all layers.
//
// A program that needs one layer takes that layer: `@asyncio//tasks`, `#include
// "asyncio/tasks/task.h"`.
#ifndef ASYNCIO_ASYNCIO_H_
#define ASYNCIO_ASYNCIO_H_

// selectors
#include "asyncio/selectors/default_selector.h"
#include "asyncio/selectors/devpoll_selector.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/epoll_selector.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/kqueue_selector.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/poll_selector.h"
#include "asyncio/selectors/select_selector.h"
#include "asyncio/selectors/selector.h"

// events
#include "asyncio/events/activity.h"
#include "asyncio/events/context.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/guest_run.h"
#include "asyncio/events/handle.h"
#include "asyncio/events/idle_observer.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/policy.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/events/step_observer.h"
#include "asyncio/events/thread_pool.h"
#include "asyncio/events/threadsafe_handle.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/events/watchdog.h"

// futures
#include "asyncio/futures/concurrent_future.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/futures/outcome.h"
#include "asyncio/futures/run_in_executor.h"
#include "asyncio/futures/waiter.h"
#include "asyncio/futures/wrap_future.h"

// tasks
#include "asyncio/tasks/async_generator.h"
#include "asyncio/tasks/borrowed_argument_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/suspension.h"
#include "asyncio/tasks/task.h"
#include "asyncio/tasks/task_factory.h"
#include "asyncio/tasks/task_options.h"
#include "asyncio/tasks/with.h"

// sync
#include "asyncio/sync/any_queue.h"
#include "asyncio/sync/barrier.h"
#include "asyncio/sync/condition.h"
#include "asyncio/sync/event.h"
#include "asyncio/sync/held.h"
#include "asyncio/sync/in_line.h"
#include "asyncio/sync/lock.h"
#include "asyncio/sync/queue.h"
#include "asyncio/sync/queue_storage.h"
#include "asyncio/sync/scoped.h"
#include "asyncio/sync/semaphore.h"

// utils
#include "asyncio/utils/call_graph.h"
#include "asyncio/utils/deadlock.h"
#include "asyncio/utils/exception_group.h"
#include "asyncio/utils/gather.h"
#include "asyncio/utils/shield.h"
#include "asyncio/utils/staggered_race.h"
#include "asyncio/utils/task_group.h"
#include "asyncio/utils/test_loop.h"
#include "asyncio/utils/testing.h"
#include "asyncio/utils/threads.h"
#include "asyncio/utils/timeout.h"
#include "asyncio/utils/wait.h"
#include "asyncio/utils/wait_for.h"

// transports
#include "asyncio/transports/address.h"
#include "asyncio/transports/address_info.h"
#include "asyncio/transports/connection.h"
#include "asyncio/transports/datagram_endpoint.h"
#include "asyncio/transports/datagram_transport.h"
#include "asyncio/transports/flow_control.h"
#include "asyncio/transports/peer_credentials.h"
#include "asyncio/transports/pipe_transport.h"
#include "asyncio/transports/port.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/resolver.h"
#include "asyncio/transports/sendfile.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/server_limits.h"
#include "asyncio/transports/sock_operations.h"
#include "asyncio/transports/socket.h"
#include "asyncio/transports/transport.h"
#include "asyncio/transports/transport_socket.h"
#include "asyncio/transports/unix_connection.h"
#include "asyncio/transports/unix_server.h"

// streams
#include "asyncio/streams/errors.h"
#include "asyncio/streams/open_connection.h"
#include "asyncio/streams/start_server.h"
#include "asyncio/streams/stream_reader.h"
#include "asyncio/streams/stream_writer.h"

#endif  // ASYNCIO_ASYNCIO_H_
