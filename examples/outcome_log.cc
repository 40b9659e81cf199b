#include "sluice/examples/outcome_log.h"

#include "sluice/http/json.h"
#include "sluice/http/outcome_json.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
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
    asked_.emplace(request.exchange_id(), std::move(asked));
}

void OutcomeLog::exchange_ended(const http::Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    const auto asked = asked_.extract(outcome.exchange_id);
    http::JsonWriter json;
    http::write_open_json(json, outcome);
    if (asked) {
        const Asked& what = asked.mapped();
        json.key("method").string(what.method).key("target").string(what.target);
    }
    json.key("peer").string(outcome.connection.peer.text()).end_object();
    const std::string line = json.take() + '\n';
    if (::write(fd_, line.data(), line.size()) < 0) {
        return;
    }
}

}  // namespace sluice::examples
