#pragma once
// A row of the panel for a parameter that names one file beside the model, or none: its label, and
// the list of the installed ones.

#include "core/library/companion_files.h"
#include "pipelines/request/parameters.h"

#include <QWidget>

#include <optional>

class QLabel;

namespace kinora::app {

class CompanionBox;
class ParameterLabel;
class RequestDocument;
class Theme;

class CompanionField : public QWidget {
    Q_OBJECT
  public:
    // parameter: one with a kind.
    CompanionField(const Theme& theme, RequestDocument& document,
                   const pipelines::Parameter& parameter, QWidget* parent = nullptr);

    // nullopt: the parameter names no file of one kind.
    static std::optional<core::CompanionKind> kindFor(const pipelines::Parameter& parameter);
    const pipelines::Parameter& parameter() const { return m_parameter; }
    void setLabel(const QString& text);

  private:
    void refresh();

    RequestDocument& m_document;
    const pipelines::Parameter& m_parameter;
    core::CompanionKind m_kind;
    ParameterLabel* m_label;
    CompanionBox* m_box;
    QLabel* m_problem;
};

} // namespace kinora::app
