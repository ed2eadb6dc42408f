#pragma once
// One row of the compose panel: label and control of a parameter of the one table, its error below.
// What kind of control follows from the parameter's type.

#include "pipelines/request/parameters.h"

#include <QWidget>

#include <optional>

class QGridLayout;
class QHBoxLayout;
class QLabel;
class QLineEdit;

namespace kinora::app {

class ChoiceBox;
class MarkedSlider;
class NumberField;
class ParameterLabel;
class RequestDocument;
class Theme;

class ParameterField : public QWidget {
    Q_OBJECT
  public:
    ParameterField(const Theme& theme, RequestDocument& document,
                   const pipelines::Parameter& parameter, QWidget* parent = nullptr);

    const pipelines::Parameter& parameter() const { return m_parameter; }
    QWidget* control() const { return m_control; }
    ParameterLabel* label() const { return m_label; }
    QString error() const;
    // Where the place says the rest: "Steps" in a section that is called "Second pass". Screen
    // readers hear the table's name.
    void setLabel(const QString& text);
    // Beyond the control, on its right.
    void addBeside(QWidget* widget);

  private:
    void makeNumber();
    void makeChoice();
    void makeText();
    void refresh();
    void commit(const QString& text);

    const Theme& m_theme;
    RequestDocument& m_document;
    const pipelines::Parameter& m_parameter;
    ParameterLabel* m_label;
    QHBoxLayout* m_row;
    QLabel* m_error;
    QWidget* m_control = nullptr;
    NumberField* m_number = nullptr;
    MarkedSlider* m_slider = nullptr;
    double m_sliderScale = 1; // slider positions in one unit
    double m_usual = 0;       // where the slider stands while nobody says
    ChoiceBox* m_choice = nullptr;
    QLineEdit* m_text = nullptr;
};

// Of a row: labels of one width in column 0, the control from column 1 on, which takes the rest.
QGridLayout* makeFieldLayout(const Theme& theme, QWidget* row);

// Names of the table as a person writes them: "dpmpp_2m" -> "DPM++ 2M"; others as they are.
QString choiceTitle(std::string_view name);

// For a number: by type and range of the parameter.
void setUpNumber(NumberField& field, const pipelines::Parameter& parameter);

} // namespace kinora::app
