#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "conformance/trace.h"

namespace asyncio::conformance::sync_queue {
namespace {

using std::chrono::seconds;

template <class Q>
Coro<> puts(Q* queue, std::vector<int> items) {
  for (int item : items) {
    const std::string who = absl::StrCat("put ", item);
    co_await waited(who, [&] { return queue->put(item); });
  }
}

template <class Q>
Coro<> gets(Q* queue, std::string name, int count) {
  for (int i = 0; i < count; ++i) co_await waited(name, [&] { return queue->get(); });
}

// g++ 12 takes no list inside of a co_await.
template <class Q, class... Items>
Coro<> puts_all(Q& queue, Items... items) {
  const std::vector<int> list = {items...};
  co_await puts(&queue, list);
}
template <class... Items>
Task<> put_task(Queue<int>& queue, Items... items) {
  const std::vector<int> list = {items...};
  return create_task(puts(&queue, list));
}

// Python's join() gives None, ours what an Event does.
Coro<> joins(Queue<int>& queue) { co_await queue.join(); }

Task<> join_task(Queue<int>& queue) {
  return create_task([&] { return waited("join", [&] { return joins(queue); }); });
}

void try_get(Queue<int>& queue) {
  tried("get_nowait", [&] { return queue.get_nowait(); });
}
void try_put(Queue<int>& queue, int item) {
  tried("put_nowait", [&] { queue.put_nowait(item); });
}
void try_task_done(Queue<int>& queue) {
  tried("task_done", [&] { queue.task_done(); });
}

SCENARIO(items_come_out_as_they_went_in) {
  Queue<int> queue;
  co_await puts_all(queue, 1, 2, 3);
  trace(queue.qsize(), queue.empty(), queue.full());
  co_await gets(&queue, "get", 3);
  trace(queue.qsize(), queue.empty(), queue.full());
}

SCENARIO(the_last_in_is_the_first_out) {
  LifoQueue<int> queue;
  co_await puts_all(queue, 1, 2, 3);
  co_await gets(&queue, "get", 3);
}

SCENARIO(the_smallest_is_the_first_out) {
  PriorityQueue<int> queue;
  co_await puts_all(queue, 2, 3, 1);
  co_await gets(&queue, "get", 3);
}

SCENARIO(who_puts_waits_for_room) {
  Queue<int> queue(2);
  Task<> producer = put_task(queue, 1, 2, 3, 4);
  co_await sleep(seconds(1));
  trace("full", queue.full(), queue.qsize());
  co_await gets(&queue, "get", 4);
  co_await producer;
}

SCENARIO(who_gets_waits_for_items) {
  Queue<int> queue;
  Task<> consumer = create_task(gets(&queue, "get", 3));
  co_await sleep(seconds(1));
  co_await puts_all(queue, 1, 2);
  co_await sleep(seconds(1));
  co_await puts_all(queue, 3);
  co_await consumer;
}

std::vector<Task<>> consumers(Queue<int>& queue, int count) {
  std::vector<Task<>> tasks;
  for (int i = 0; i < count; ++i) {
    tasks.push_back(create_task(gets(&queue, std::string(1, static_cast<char>('a' + i)), 1)));
  }
  return tasks;
}

SCENARIO(those_who_wait_are_served_in_their_order) {
  Queue<int> queue;
  const std::vector<Task<>> tasks = consumers(queue, 3);
  co_await sleep(seconds(0));
  co_await puts_all(queue, 1, 2, 3);
  for (const Task<>& consumer : tasks) co_await consumer;
}

SCENARIO(an_item_may_be_taken_before_who_waited_for_it_runs) {
  Queue<int> queue;
  Task<> consumer = create_task(gets(&queue, "waited", 1));
  co_await sleep(seconds(0));
  queue.put_nowait(1);
  try_get(queue);
  co_await sleep(seconds(1));
  queue.put_nowait(2);
  co_await consumer;
}

SCENARIO(without_waiting_it_raises) {
  Queue<int> queue(1);
  try_get(queue);
  try_put(queue, 1);
  try_put(queue, 2);
  try_get(queue);
  co_return;
}

SCENARIO(join_waits_until_all_is_done) {
  Queue<int> queue;
  co_await puts_all(queue, 1, 2);
  Task<> task = join_task(queue);
  for (int i = 0; i < 2; ++i) {
    co_await sleep(seconds(1));
    queue.get_nowait();
    queue.task_done();
    trace("done");
  }
  co_await task;
}

SCENARIO(join_does_not_wait_for_nothing) {
  Queue<int> queue;
  co_await waited("join", [&] { return joins(queue); });
}

SCENARIO(no_more_is_done_than_was_put) {
  Queue<int> queue;
  try_task_done(queue);
  queue.put_nowait(1);
  try_task_done(queue);
  try_task_done(queue);
  co_return;
}

SCENARIO(a_cancelled_get_takes_nothing) {
  Queue<int> queue;
  const std::vector<Task<>> tasks = consumers(queue, 2);
  co_await sleep(seconds(0));
  queue.put_nowait(1);
  tasks[0].cancel();
  for (const Task<>& consumer : tasks) co_await consumer;
  trace(queue.qsize());
}

SCENARIO(a_cancelled_put_leaves_its_room_to_the_next) {
  Queue<int> queue(1);
  queue.put_nowait(0);
  Task<> first = put_task(queue, 1);
  Task<> second = put_task(queue, 2);
  co_await sleep(seconds(0));
  try_get(queue);
  first.cancel();
  co_await first;
  co_await second;
  try_get(queue);
}

SCENARIO(after_shutdown_what_is_there_can_be_got) {
  Queue<int> queue;
  co_await puts_all(queue, 1, 2);
  queue.shutdown();
  co_await puts_all(queue, 3);
  try_put(queue, 3);
  co_await gets(&queue, "get", 3);
  try_get(queue);
}

SCENARIO(shutdown_ends_who_waits) {
  Queue<int> empty;
  Queue<int> full(1);
  full.put_nowait(1);
  Task<> getter = create_task(gets(&empty, "get", 1));
  Task<> putter = put_task(full, 2);
  co_await sleep(seconds(1));
  empty.shutdown();
  full.shutdown();
  trace("shut down");
  co_await getter;
  co_await putter;
}

SCENARIO(an_immediate_shutdown_drops_what_is_there) {
  Queue<int> queue;
  co_await puts_all(queue, 1, 2);
  Task<> task = join_task(queue);
  co_await sleep(seconds(1));
  queue.shutdown({.immediate = true});
  trace(queue.qsize());
  co_await gets(&queue, "get", 1);
  co_await task;
}

SCENARIO(join_after_an_immediate_shutdown_waits_for_what_was_got) {
  Queue<int> queue;
  co_await puts_all(queue, 1, 2);
  try_get(queue);
  queue.shutdown({.immediate = true});
  Task<> task = join_task(queue);
  co_await sleep(seconds(1));
  trace("done", task.done());
  queue.task_done();
  co_await task;
}

}  // namespace
}  // namespace asyncio::conformance::sync_queue
