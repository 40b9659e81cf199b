#include "sluice/examples/outcome_log.h"

#include "sluice/http/json.h"
#include "sluice/http/outcome_json.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

namespace sluice::examples {

Result<std::unique_ptr<OutcomeLog>> OutcomeLog::open(const std::string& path) {
    if (path == "-") {
        return std::make_unique<OutcomeLog>(STDOUT_FILENO);
    }
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        return std::unexpected(error_from_errno(errno, Phase::open));
    }
    return std::make_unique<OutcomeLog>(fd);
}

OutcomeLog::~OutcomeLog() {
    if (fd_ != STDOUT_FILENO) {
        ::close(fd_);
    }
}

http::Handler OutcomeLog::watch(http::Handler handler) {
    return
        [this, handler = std::move(handler)](http::Request& request, http::Responder& responder) {
            note(request);
            return handler(request, responder);
        };
}

void OutcomeLog::note(const http::Request& request) {
    Asked asked{std::string(request.method_text()), std::string(request.target())};
    const std::lock_guard lock(mutex_);
    asked_[request.peer().text()].push_back(std::move(asked));
}

void OutcomeLog::exchange_ended(const http::Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    std::optional<Asked> asked;
    const auto found = asked_.find(outcome.connection.peer.text());
    if (found != asked_.end()) {
        asked = std::move(found->second.front());
        found->second.pop_front();
        if (found->second.empty()) {
            asked_.erase(found);
        }
    }
    http::JsonWriter json;
    http::write_open_json(json, outcome);
    if (asked) {
        json.key("method").string(asked->method).key("target").string(asked->target);
    }
    json.key("peer").string(outcome.connection.peer.text()).end_object();
    const std::string line = json.take() + '\n';
    if (::write(fd_, line.data(), line.size()) < 0) {
        return;
    }
}

}  // namespace sluice::examples
