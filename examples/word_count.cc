// word_count FILE...: reads files on one loop, and counts their words on another.
//
// The counter is an actor: a task that owns its state and has a mailbox. The mailbox is bounded, so
// a reader that is faster than the counter waits.

#include "sluice/sluice.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

using namespace sluice;

struct Message {
    std::string line;
    std::optional<Sender<std::uint64_t>> total;  // Where the words of all lines so far are wanted.
};

std::uint64_t words_of(std::string_view line) {
    std::uint64_t words = 0;
    bool in_word = false;
    for (const char character : line) {
        const bool is_space = character == ' ' || character == '\t';
        words += !is_space && !in_word ? 1 : 0;
        in_word = !is_space;
    }
    return words;
}

// Ends when its last sender has gone.
Task<int> count_words(Receiver<Message> mailbox) {
    std::uint64_t words = 0;
    while (true) {
        Result<std::optional<Message>> message = co_await mailbox.read();
        if (!message || !*message) {
            co_return 0;
        }
        words += words_of((*message)->line);
        if ((*message)->total) {
            std::ignore = co_await (*message)->total->write(words);
        }
    }
}

// A source is written as a coroutine that yields.
Generator<std::string> lines_of(ByteSource& file) {
    std::string line;
    while (true) {
        const Result<Octets> octets = co_await file.read();
        if (!octets) {
            co_yield failed(octets);
        }
        if (octets->empty()) {
            break;
        }
        for (const std::byte octet : *octets) {
            if (octet != std::byte{'\n'}) {
                line += static_cast<char>(octet);
                continue;
            }
            co_yield std::exchange(line, {});
        }
    }
    if (!line.empty()) {
        co_yield std::move(line);
    }
}

Task<Result<std::uint64_t>> send_lines(Sender<Message>& counter, std::string_view path) {
    const Result<File> file = co_await File::open_to_read(std::string(path));
    if (!file) {
        co_return failed(file);
    }
    FileSource octets(*file);
    Generator<std::string> lines = lines_of(octets);
    std::uint64_t sent = 0;
    while (true) {
        Result<std::optional<std::string>> line = co_await lines.read();
        if (!line) {
            co_return failed(line);
        }
        if (!*line) {
            co_return sent;
        }
        Message message{std::move(**line), std::nullopt};
        const Sent<Message> taken = co_await counter.write(std::move(message));
        if (!taken) {
            co_return std::unexpected(error_of(taken));
        }
        ++sent;
    }
}

Task<int> read_files(Sender<Message> counter, Arguments paths) {
    for (const std::string_view path : paths) {
        const Result<std::uint64_t> lines = co_await send_lines(counter, path);
        if (!lines) {
            std::fprintf(stderr, "%s: %s\n", std::string(path).c_str(),
                         describe(lines.error()).c_str());
            co_return 1;
        }
    }
    const auto ask = [](Sender<std::uint64_t> total) { return Message{"", std::move(total)}; };
    const Result<std::uint64_t> words = co_await call<std::uint64_t>(counter, ask);
    if (!words) {
        std::puts("The counter has gone.");
        co_return 1;
    }
    std::printf("%llu words\n", static_cast<unsigned long long>(*words));
    std::ignore = co_await counter.finish();
    co_return 0;
}

int main(int count, char** values) {
    const Arguments paths(values + 1, values + count);
    Channel<Message, BoundedSender<Message>> mailbox = bounded_channel<Message>(64);
    return run_on_threads(2, BackendKind::automatic, [&](Loop&, unsigned index) {
        return index == 0 ? read_files(std::move(mailbox.sender), paths)
                          : count_words(std::move(mailbox.receiver));
    });
}
